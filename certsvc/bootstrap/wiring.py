"""Which adapter serves which port: all services of one worker, wired."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from certsvc.bootstrap.opening import Store
from certsvc.config import Settings, is_loopback
from certsvc.credentials.caller_token import read_token
from certsvc.credentials.register_documents import BundleForm, PublicDocumentForms
from certsvc.credentials.register_drawing import QRPictures, fullest_qr_version
from certsvc.credentials.register_forms import QRCodeForm, SDJWTForm, StatusListForm, key_id_of
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.domain.changes import Change, ChangeKind
from certsvc.domain.principal import Caller
from certsvc.ports import Clock, Repositories
from certsvc.rpc.agencies import AgencyServicer, AgencyUseCases
from certsvc.rpc.license_messages import decode_command
from certsvc.rpc.license_types import LicenseTypeServicer
from certsvc.rpc.licenses import LicenseServicer, LicenseUseCases
from certsvc.rpc.limits import CallLimits
from certsvc.rpc.metrics import VerdictMetrics
from certsvc.rpc.paging import Paging
from certsvc.rpc.server import GRPCServer, Servicers
from certsvc.rpc.signing_keys import SigningKeyServicer
from certsvc.rpc.tls import Listener, TLSFiles
from certsvc.rpc.verification import VerificationServicer, VerificationUseCases
from certsvc.services.access_quotas import AccessQuotas
from certsvc.services.agencies import Agencies
from certsvc.services.approvals import Approvals
from certsvc.services.authentication import Authenticator
from certsvc.services.client_keys import ClientKeys
from certsvc.services.directory import Directory
from certsvc.services.fields import FieldsValidator
from certsvc.services.follower import Follower
from certsvc.services.grants import Grants
from certsvc.services.housekeeping import Housekeeping
from certsvc.services.license_commands import Command, IssueCommand, LicenseOutcome
from certsvc.services.license_credentials import LicenseCredentials
from certsvc.services.license_drafts import Drafting
from certsvc.services.license_reading import LicenseReading
from certsvc.services.license_records import LicenseRecords
from certsvc.services.license_signing import LicenseSigning
from certsvc.services.license_transitions import LicenseTransitions
from certsvc.services.license_types import LicenseTypes
from certsvc.services.licenses import LicenseIssuing
from certsvc.services.matching import MatchingService
from certsvc.services.mutations import Mutations
from certsvc.services.numbering import Numbering
from certsvc.services.officers import Officers
from certsvc.services.offline_bundles import OfflineBundles
from certsvc.services.public_keys import PublicKeys
from certsvc.services.publications import RegisteredDigests, StatusLists
from certsvc.services.registrations import Registrations
from certsvc.services.signing_keys import KeyPolicy, SigningKeys
from certsvc.services.slots import Slots
from certsvc.services.status_queries import StatusQueries
from certsvc.services.traced_mutations import TracedMutations
from certsvc.services.verification import VerificationService
from certsvc.services.watching import Watching
from certsvc.web.app import WebServices, create_app, type_document
from certsvc.web.server import HTTPListener, HTTPServer

EXCHANGE_THREADS = 32
SLOT_PAGE = 10_000


class Wiring:
    """All services of one worker, wired."""

    def __init__(self, settings: Settings, store: Store, *, clock: Clock) -> None:
        self._settings = settings
        self.registry = CollectorRegistry()
        urls = RegisterURLs(settings.public_url)
        ledger, vault = store.ledger, store.vault
        self.executor = ThreadPoolExecutor(EXCHANGE_THREADS, thread_name_prefix="rpc-exchange")
        self.directory = directory = Directory(ledger)
        self.slots = slots = Slots(store.fingerprint.of)
        codes, vcs, documents = QRCodeForm(urls), SDJWTForm(urls, random_bytes=os.urandom), PublicDocumentForms(urls)
        mutations = Mutations(ledger=ledger, digest=store.payload_digest, clock=clock)
        traced = TracedMutations(mutations=mutations, directory=directory, clock=clock)
        signing = LicenseSigning(directory=directory, vault=vault, codes=codes)
        records = LicenseRecords(directory=directory, signing=signing, slots=slots)
        fields = FieldsValidator()
        drafting = Drafting(fields)
        numbering = Numbering(ledger, permutation_key=store.permutation_key)
        self.status_lists = StatusLists(
            ledger=ledger, directory=directory, vault=vault, format_=StatusListForm(urls), clock=clock
        )
        self.follower = follower = Follower(ledger, prepare=self._load_slots, listeners=[self._apply])
        self._ledger = ledger
        self.public_keys = PublicKeys(directory=directory, vault=vault, documents=documents, clock=clock)
        registrations = Registrations(ledger)
        issuing = LicenseIssuing(
            mutations=mutations,
            directory=directory,
            drafting=drafting,
            signing=signing,
            records=records,
            numbering=numbering,
            codes=codes,
            clock=clock,
        )
        transitions = LicenseTransitions(
            mutations=mutations,
            ledger=ledger,
            directory=directory,
            drafting=drafting,
            signing=signing,
            records=records,
            numbering=numbering,
            codes=codes,
            clock=clock,
        )

        def run(caller: Caller, command: Command) -> Callable[[Repositories], LicenseOutcome]:
            if isinstance(command, IssueCommand):
                return issuing.prepare_approved(caller, command)
            return transitions.prepare_approved(caller, command)

        paging = Paging(store.cipher)
        self.authenticator = Authenticator(
            directory=directory, read_token=read_token, clock=clock, audience=settings.audience
        )
        self.servicers = Servicers(
            agencies=AgencyServicer(
                AgencyUseCases(
                    agencies=Agencies(mutations=traced, ledger=ledger, directory=directory),
                    officers=Officers(mutations=traced, ledger=ledger),
                    client_keys=ClientKeys(mutations=traced, ledger=ledger, key_id_of=key_id_of),
                    grants=Grants(mutations=traced, ledger=ledger, directory=directory),
                ),
                paging=paging,
            ),
            license_types=LicenseTypeServicer(
                LicenseTypes(
                    mutations=traced,
                    ledger=ledger,
                    directory=directory,
                    fullest_qr_version=partial(fullest_qr_version, urls=urls),
                ),
                paging=paging,
            ),
            licenses=LicenseServicer(
                LicenseUseCases(
                    issuing=issuing,
                    transitions=transitions,
                    approvals=Approvals(
                        mutations=mutations,
                        ledger=ledger,
                        directory=directory,
                        decode=decode_command,
                        run=run,
                        clock=clock,
                    ),
                    reading=LicenseReading(ledger),
                    credentials=LicenseCredentials(
                        ledger=ledger,
                        directory=directory,
                        vault=vault,
                        codes=codes,
                        drawing=QRPictures(),
                        vcs=vcs,
                        quotas=AccessQuotas(
                            settings.credential_per_agency_daily, settings.credential_per_subject_daily
                        ),
                        clock=clock,
                    ),
                    watching=Watching(ledger=ledger, directory=directory, follower=follower),
                    clock=clock,
                ),
                paging=paging,
                executor=self.executor,
            ),
            verification=VerificationServicer(
                VerificationUseCases(
                    verification=VerificationService(
                        directory=directory,
                        follower=follower,
                        slots=slots,
                        registrations=registrations,
                        codes=codes,
                        vcs=vcs,
                        clock=clock,
                        allow_development=settings.development,
                    ),
                    matching=MatchingService(
                        ledger=ledger,
                        directory=directory,
                        registrations=registrations,
                        quotas=AccessQuotas(settings.match_per_agency_daily, settings.match_per_subject_daily),
                        clock=clock,
                    ),
                    status=StatusQueries(ledger=ledger, directory=directory, registrations=registrations, clock=clock),
                    bundles=OfflineBundles(
                        ledger=ledger,
                        directory=directory,
                        keys=self.public_keys,
                        status_lists=self.status_lists,
                        vault=vault,
                        bundles=BundleForm(urls),
                        clock=clock,
                    ),
                ),
                executor=self.executor,
                metrics=VerdictMetrics(self.registry),
            ),
            signing_keys=SigningKeyServicer(
                SigningKeys(
                    mutations=traced,
                    ledger=ledger,
                    directory=directory,
                    vault=vault,
                    policy=KeyPolicy(
                        publish_ahead=timedelta(hours=settings.publish_ahead_hours),
                        signing_limit=timedelta(days=settings.signing_days),
                        development=settings.development,
                    ),
                ),
                self.public_keys,
                paging=paging,
            ),
        )
        self._documents = documents
        self.housekeeping = Housekeeping(ledger=ledger, clock=clock)

    def grpc_server(self, *, share_port: bool) -> GRPCServer:
        """The gRPC server, listening, not yet started."""
        settings = self._settings
        tls = (
            TLSFiles(Path(settings.tls_certificate), Path(settings.tls_key))
            if settings.tls_certificate and not is_loopback(settings.grpc_address)
            else None
        )
        return GRPCServer(
            listeners=[Listener(settings.grpc_address, tls)],
            servicers=self.servicers,
            authentication=self.authenticator,
            registry=self.registry,
            limits=CallLimits(
                unary_calls=settings.max_unary_calls,
                streams=settings.max_streams,
                streams_per_caller=settings.max_streams_per_caller,
            ),
            share_port=share_port,
        )

    def http_server(self, *, share_port: bool) -> HTTPServer:
        """The HTTP server, listening, not yet started."""
        settings = self._settings
        # Off loopback never in clear; on loopback only where phones are told to come with https.
        secure = bool(settings.tls_certificate) and (
            settings.public_url.startswith("https:") or not is_loopback(settings.http_address)
        )
        app = create_app(
            WebServices(
                keys=self.public_keys,
                status_lists=self.status_lists,
                registered=RegisteredDigests(self._ledger),
                directory=self.directory,
                follower=self.follower,
                type_document=type_document(self.directory, self._documents.type_metadata),
                metrics=lambda: (generate_latest(self.registry), CONTENT_TYPE_LATEST),
                development=settings.development,
            )
        )
        listener = HTTPListener(
            settings.http_address,
            certificate=settings.tls_certificate if secure else "",
            key=settings.tls_key if secure else "",
            share_port=share_port,
        )
        return HTTPServer(app, listener)

    def _load_slots(self) -> None:
        after = -1
        while True:
            with self._ledger.read() as repositories:
                page = repositories.licenses.slots(after=after, limit=SLOT_PAGE)
            self.slots.load(*page)
            if len(page) < SLOT_PAGE:
                return
            after = page[-1].slot

    def _apply(self, change: Change) -> None:
        if change.kind is ChangeKind.LICENSE:
            self.slots.apply(change)
            self.status_lists.apply(change)
        else:
            self.directory.apply(change)

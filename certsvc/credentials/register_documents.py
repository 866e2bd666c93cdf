"""Documents about keys, types and offline verifying, as the services need them: ports PublicDocuments, BundleFormat."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from certsvc.credentials.key_flags import KeyFlags, flags_of, sign_key_flags
from certsvc.credentials.key_set import KeyRecord, PublishedKey, cose_key_set, jwk_set
from certsvc.credentials.offline_bundle import BundledStatusList, OfflineBundle, seal_bundle
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.credentials.status_list import StatusList
from certsvc.credentials.type_metadata import type_metadata
from certsvc.domain.agency import Agency
from certsvc.domain.license_type import LicenseType
from certsvc.domain.signing_key import SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.ports import Signer

FLAGS_LIFETIME = timedelta(days=1)


class BundleForm:
    """Port BundleFormat, by offline_bundle.py."""

    def __init__(self, urls: RegisterURLs) -> None:
        self._urls = urls

    def seal(
        self,
        *,
        key_set_version: int,
        keys: Sequence[SigningKey],
        types: Sequence[LicenseType],
        agencies: Sequence[Agency],
        status_lists: Mapping[int, Mapping[int, int]],
        signer: Signer,
        now: datetime,
        expires: datetime,
    ) -> bytes:
        """See BundleFormat."""
        names = {agency.agency_id: agency.name for agency in agencies}
        bundle = OfflineBundle(
            issuer=self._urls.public_url,
            issued_at=now,
            expires_at=expires,
            version=key_set_version,
            keys=tuple(PublishedKey(key, names.get(key.agency_id) if key.agency_id else None) for key in keys),
            types=tuple(type_metadata(t, vct=self._urls.vct(t.code, t.version)) for t in types),
            agencies=names,
            status_lists={
                number: BundledStatusList(StatusList.of(statuses), now) for number, statuses in status_lists.items()
            },
        )
        return seal_bundle(bundle, signer=signer).encode()


class PublicDocumentForms:
    """Port PublicDocuments, by key_set.py, key_flags.py and type_metadata.py."""

    def __init__(self, urls: RegisterURLs) -> None:
        self._urls = urls

    def jwks(self, keys: Sequence[SigningKey]) -> str:
        """See PublicDocuments."""
        return json.dumps(jwk_set(keys), separators=(",", ":"))

    def cose(self, keys: Sequence[SigningKey]) -> bytes:
        """See PublicDocuments."""
        return cose_key_set(keys)

    def flags(self, version: int, keys: Sequence[SigningKey], *, signer: Signer, now: datetime) -> str:
        """See PublicDocuments."""
        flags = KeyFlags(version=version, issued_at=now, expires_at=now + FLAGS_LIFETIME, flags=flags_of(keys))
        return sign_key_flags(flags, issuer=self._urls.public_url, signer=signer)

    def key_record(self, key: SigningKey, agency_name: LocalizedText | None) -> str:
        """See PublicDocuments."""
        return json.dumps(KeyRecord.of(key, agency_name=agency_name).to_json(), ensure_ascii=False)

    def vc_issuer(self, keys: Sequence[SigningKey]) -> str:
        """See PublicDocuments."""
        return json.dumps({"issuer": self._urls.public_url, "jwks": jwk_set(keys)})

    def type_metadata(self, license_type: LicenseType) -> str:
        """See PublicDocuments."""
        vct = self._urls.vct(license_type.code, license_type.version)
        return json.dumps(type_metadata(license_type, vct=vct), ensure_ascii=False)

"""A register on which licenses are issued, changed, stolen and forged."""

from datetime import UTC, datetime, timedelta
from typing import Any

from certsvc.domain.identifier import make_identifier, parse_identifier
from certsvc.domain.license_code import CodeHolder
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import signing_key_service_pb2
from tests.builders import food_permit, small_permit
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.integration.verification import codes


class Stage:
    """A register on which licenses are issued, changed, stolen and forged."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.licenses = register.agency().licenses

    def issue(self, *actions: str, **changes: Any) -> pb.LicenseChange:
        """A food business permit that these actions were done to; the answer to its issue."""
        issued = self.licenses.issue(food_permit(**changes))
        for action in actions:
            act(self.licenses, action, issued.license.identifier)
        return issued

    def vc(self, *actions: str, **changes: Any) -> str:
        """Its SD-JWT VC, made before the actions."""
        issued = self.issue(**changes)
        request = pb.GetCredentialRequest(identifier=issued.license.identifier, format=pb.CREDENTIAL_FORMAT_SD_JWT_VC)
        credential = self.licenses.get_credential(request).credential
        for action in actions:
            act(self.licenses, action, issued.license.identifier)
        return credential

    def of_key(self, **changes: Any) -> str:
        """A code of a new agency whose key was then changed so."""
        agency = self.register.new_agency()
        issued = self.register.agency(agency).licenses.issue(small_permit(self.register.new_type(issuer=agency)))
        self.register.change_key(issued.license.kid, **changes)
        return issued.qr_text

    def vc_of_key(self, **changes: Any) -> str:
        """An SD-JWT VC of a key that was replaced and then changed so."""
        credential = self.vc()
        kid = self.vc_kid()
        self.register.new_signing_key("VC")
        self.register.change_key(kid, **changes)
        return credential

    def vc_kid(self) -> str:
        """The key that signs SD-JWT VCs now."""
        keys = self.register.operator.signing_keys.list(purpose=signing_key_service_pb2.KEY_PURPOSE_VC)
        return next(key.kid for key in keys if key.state == signing_key_service_pb2.KEY_STATE_ACTIVE)

    def forged(self, issued: pb.LicenseChange, **changes: Any) -> str:
        """The code changed and signed with the real key that signed it."""
        return codes.forged(issued.qr_text, self.register.signer(issued.license.kid), **changes)

    def other_name(self) -> str:
        """The real key, a registered identifier and status entry, another holder."""
        issued = self.issue()
        holder = codes.code_of(issued.qr_text).holders[0]
        return self.forged(issued, holders=(CodeHolder("示例市顶替他人有限公司", holder.number),))

    def never_issued(self) -> str:
        """The real key, an identifier that was never given."""
        issued = self.issue()
        parts = parse_identifier(issued.license.identifier)
        made = make_identifier(type_code=parts.type_code, agency_id=parts.agency_id, serial="STOLENKEY", version=1)
        return self.forged(issued, identifier=made.text, status_index=131_071)

    def other_agencys_key(self) -> str:
        """A real license key of another agency."""
        kid = self.register.new_signing_key("LICENSE", agency_id=self.register.new_agency())
        return codes.forged(self.issue().qr_text, self.register.signer(kid))

    def other_types_key(self) -> str:
        """A real license key of the agency that is for another type."""
        issued = self.issue()
        other = self.register.new_type()
        kid = self.register.new_signing_key("LICENSE", agency_id=issued.license.agency_id, type_codes=[other])
        return codes.forged(issued.qr_text, self.register.signer(kid))

    def prepared_key(self) -> str:
        """A real license key that was not activated."""
        issued = self.issue()
        key = self.register.operator.signing_keys.prepare(
            signing_key_service_pb2.PrepareSigningKeyRequest(
                purpose=signing_key_service_pb2.KEY_PURPOSE_LICENSE, agency_id=issued.license.agency_id
            )
        )
        return codes.forged(issued.qr_text, self.register.signer(key.kid))

    def key_of_another_purpose(self) -> str:
        """The register's real VC key under a license code: not its purpose, so its signature counts for nothing."""
        return codes.forged(self.issue().qr_text, self.register.signer(self.vc_kid()))

    def signed_late(self) -> str:
        """Signed with the real key, after its end."""
        agency = self.register.new_agency()
        issued = self.register.agency(agency).licenses.issue(small_permit(self.register.new_type(issuer=agency)))
        self.register.operator.signing_keys.retire(
            signing_key_service_pb2.RetireSigningKeyRequest(kid=issued.license.kid)
        )
        late = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        return codes.forged(issued.qr_text, self.register.signer(issued.license.kid), issued_at=late)

    def retired_key(self) -> str:
        """Signed before its key's end."""
        agency = self.register.new_agency()
        issued = self.register.agency(agency).licenses.issue(small_permit(self.register.new_type(issuer=agency)))
        self.register.operator.signing_keys.retire(
            signing_key_service_pb2.RetireSigningKeyRequest(kid=issued.license.kid)
        )
        return issued.qr_text

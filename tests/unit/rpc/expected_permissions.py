"""Who may call which RPC, written down a second time, from the comments of the proto files."""

# Who gets in, in words: o operator, s an agency's system without an officer, and officers by their only role.
EXPECTED = {
    "AgencyService": {
        "CreateAgency UpdateAgency DeactivateAgency CreateGrant RevokeGrant": "o",
        "GetAgency ListAgencies ListOfficers ListClientKeys ListGrants": "osIAVD",
        "CreateOfficer UpdateOfficer RegisterClientKey RevokeClientKey": "oD",
    },
    "LicenseTypeService": {
        "CreateLicenseType PublishLicenseTypeVersion RetireLicenseType": "o",
        "GetLicenseType ListLicenseTypes": "osIAVD",
    },
    "LicenseService": {
        "IssueLicense BatchIssueLicenses AmendLicense RenewLicense SuspendLicense ReinstateLicense RevokeLicense "
        "CancelLicense": "I",
        "GetLicense ListLicenses ListLicenseEvents GetCredential RenderQrCode WatchLicenseEvents": "sIAV",
        "ListPendingChanges ApproveChange RejectChange": "A",
    },
    "VerificationService": {
        "VerifyCredential VerifyCredentials GetStatus ExportOfflineBundle": "osIAV",
        "MatchLicense": "sV",
    },
    "SigningKeyService": {
        "ListSigningKeys GetSigningKey PrepareSigningKey ActivateSigningKey RetireSigningKey": "o",
        "FetchKeySet": "osIAVD",
    },
}
CASES = [
    (f"/certsvc.v1.{service}/{method}", letters)
    for service, groups in EXPECTED.items()
    for methods, letters in groups.items()
    for method in methods.split()
]

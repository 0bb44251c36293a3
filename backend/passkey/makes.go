package passkey

import (
	"context"

	"gatehouse/backend/store"
)

// known is a make of authenticators that a fresh house has a name for.
type known struct{ aaguid, name, source string }

// Where the facts below are public.
const (
	yubico    = "Yubico: YubiKey Hardware FIDO2 AAGUIDs, support.yubico.com"
	entra     = "Microsoft: Microsoft Entra ID attestation for FIDO2 security key vendors, learn.microsoft.com"
	apps      = "Microsoft: enable passkeys in Microsoft Authenticator, learn.microsoft.com"
	nitro     = "Nitrokey: FIDO2 AAGUIDs of Nitrokey devices, docs.nitrokey.com"
	keepassxc = "KeePassXC: source of the browser integration, github.com/keepassxreboot/keepassxc"
	spelled   = "the maker's own letters: the bytes of the AAGUID spell its name; passkeydeveloper/passkey-authenticator-aaguids, github.com"
	community = "the vendor's entry in passkeydeveloper/passkey-authenticator-aaguids, github.com"
)

// list are the makes that a house names without a metadata blob: what people in offices have. Names and identifiers are facts, each from
// the source beside it; a blob that is taken in names more, and its names take the place of these.
var list = []known{
	{Unknown, "Unknown devices", "W3C Web Authentication Level 3, section 6.5.1: what authenticators say that don't tell their make"},
	{OnlyAttested, "Only makes that somebody vouches for", "a mark of our own, which no authenticator bears; see OnlyAttested"},

	// Passkey providers.
	{"bada5566-a7aa-401f-bd96-45619a55120d", "1Password", community},
	{"fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords (iCloud Keychain)", community},
	{"dd4ec289-e01d-41c9-bb89-70fa845d4bf2", "Apple Passwords, managed (iCloud Keychain)", community},
	{"d548826e-79b4-db40-a3d8-11116f7e8349", "Bitwarden", community},
	{"adce0002-35bc-c60a-648b-0b25f1f05503", "Chrome on Mac", community},
	{"b5397666-4885-aa6b-cebf-e52262a439a2", "Chromium", community},
	{"531126d6-e717-415c-9320-3d9aa6981239", "Dashlane", community},
	{"de503f9c-21a4-4f76-b4b7-558eb55c6f89", "Devolutions", community},
	{"771b48fd-d3d4-4f74-9232-fc157ab0507a", "Edge on Mac", community},
	{"f3809540-7f14-49c1-a8b3-8f813b225541", "Enpass", community},
	{"ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "Google Password Manager", community},
	{"a10c6dd9-465e-4226-8198-c7c44b91c555", "Kaspersky Password Manager", community},
	{"eaecdef2-1c31-5634-8639-f1cbd9c00a08", "KeePassDX", community},
	{"fdb141b2-5d84-443e-8a35-4698c205a502", "KeePassXC", keepassxc},
	{"0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6", "Keeper", community},
	{"b78a0a55-6ef8-d246-a042-ba0f6d55050c", "LastPass", community},
	{"de1e552d-db1d-4423-a619-566b625cdc84", "Microsoft Authenticator on Android", apps},
	{"90a3ccdf-635c-4729-a248-9b709135078f", "Microsoft Authenticator on iOS", apps},
	{"d3452668-01fd-4c12-926c-83a4204853aa", "Microsoft Password Manager", community},
	{"b84e4048-15dc-4dd0-8640-f4f60813c8af", "NordPass", community},
	{"50726f74-6f6e-5061-7373-50726f746f6e", "Proton Pass", spelled},
	{"53414d53-554e-4700-0000-000000000000", "Samsung Pass", spelled},
	{"08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello (hardware)", entra},
	{"6028b017-b1d4-4c02-b4b3-afcdafc96bb2", "Windows Hello (software)", entra},
	{"9ddd1817-af5a-4672-a2b9-3e3dd95000a9", "Windows Hello (virtualised hardware)", entra},
	{"b35a26b2-8f6e-4697-ab1d-d44db4da28c6", "Zoho Vault", community},

	// Security keys.
	{"3f59672f-20aa-4afe-b6f4-7e5e916b6d98", "Arculus FIDO 2.1 Key Card", entra},
	{"e416201b-afeb-41ca-a03d-2281c28322aa", "ATKey.Pro", entra},
	{"1c086528-58d5-f211-823c-356786e36140", "Atos CardOS FIDO2", entra},
	{"be727034-574a-f799-5c76-0929e0430973", "Crayonic KeyVault K1", entra},
	{"9c835346-796b-4c27-8898-d6032f515cc5", "Cryptnox FIDO2", entra},
	{"12ded745-4bed-47d4-abaa-e713f51d6393", "Feitian AllinOne FIDO2", entra},
	{"77010bd7-212a-4fc9-b236-d2ca5e9d4084", "Feitian BioPass FIDO2", entra},
	{"b6ede29c-3772-412c-8a78-539c1f4c62d2", "Feitian BioPass FIDO2 Plus", entra},
	{"833b721a-ff5f-4d00-bb2e-bdda3ec01e29", "Feitian ePass FIDO2", entra},
	{"ee041bce-25e5-4cdb-8f86-897fd6418464", "Feitian ePass FIDO2-NFC", entra},
	{"3e22415d-7fdf-4ea4-8a0c-dd60c4249b9d", "Feitian iePass FIDO", entra},
	{"42b4fb4a-2866-43b2-9bf7-6c6669c2e5d3", "Google Titan Security Key v2", entra},
	{"9f0d8150-baa5-4c00-9299-ad62c8bb4e87", "GoTrust Idem Card", entra},
	{"3b1adb99-0dfe-46fd-90b8-7f7614a4de2a", "GoTrust Idem Key", entra},
	{"692db549-7ae5-44d5-a1e5-dd20a493b723", "HID Crescendo Key", entra},
	{"2d3bec26-15ee-4f5d-88b2-53622490270b", "HID Crescendo Key V2", entra},
	{"c5703116-972b-4851-a3e7-ae1259843399", "Neowave Badgeo FIDO2", entra},
	{"3789da91-f943-46bc-95c3-50ea2012f03a", "Neowave Winkeo FIDO2", entra},
	{"2cd2f727-f6ca-44da-8f48-5c2e5da000a2", "Nitrokey 3 (Mini)", nitro},
	{"ec99db19-cd1f-4c06-a2a9-940f17a6a30b", "Nitrokey 3 (NFC)", nitro},
	{"9a03e537-4cbe-4a01-b2e2-242e0dd9a59b", "Nitrokey Passkey", nitro},
	{"30b5035e-d297-4ff1-b00b-addc96ba6a98", "OneSpan Digipass FX1 Bio", entra},
	{"998f358b-2dd2-4cbe-a43a-e8107438dfb3", "OnlyKey", entra},
	{"664d9f67-84a2-412a-9ff7-b4f7d8ee6d05", "OpenSK", entra},
	{"7e3f3d30-3557-4442-bdae-139312178b39", "RSA DS100", entra},
	{"efb96b10-a9ee-4b6c-a4a9-d32125ccd4a4", "SafeNet eToken FIDO", entra},
	{"74820b05-a6c9-40f9-8fb0-9f86aca93998", "SafeNet eToken Fusion", entra},
	{"8876631b-d4a0-427f-5773-0ec71c9e0279", "Solo", entra},
	{"8976631b-d4a0-427f-5773-0ec71c9e0279", "Solo Tap", entra},
	{"931327dd-c89b-406c-a81e-ed7058ef36c6", "Swissbit iShield Key FIDO2", entra},
	{"5d629218-d3a5-11ed-afa1-0242ac120002", "Swissbit iShield Key Pro", entra},
	{"ab32f0c6-2239-afbb-c470-d2ef4e254db7", "Token2 FIDO2 Security Key", entra},
	{"eabb46cc-e241-80bf-ae9e-96fa6d2975cf", "Token2 PIN+ Security Key", entra},
	{"73402251-f2a8-4f03-873e-3cb6db604b03", "uTrust FIDO2 Security Key", entra},
	{"d94a29d9-52dd-4247-9c2d-8b818b610389", "VeriMark Guard Fingerprint Key", entra},

	// Security keys of Yubico; the number is the firmware.
	{"f8a011f3-8c0a-4d15-8006-17111f9edc7d", "Security Key by Yubico (5.1)", yubico},
	{"b92c3f9a-c014-4056-887f-140a2501163b", "Security Key by Yubico (5.2)", yubico},
	{"6d44ba9b-f6ec-2e49-b930-0c8fe920cb73", "Security Key NFC by Yubico (5.1)", yubico},
	{"149a2021-8ef6-4133-96b8-81f8d5b7f1f5", "Security Key NFC by Yubico (5.2, 5.4)", yubico},
	{"a4e9fc6d-4cbe-4758-b8ba-37598bb5bbaa", "Security Key NFC by Yubico (5.4)", yubico},
	{"e77e3c64-05e3-428b-8824-0cbeb04b829d", "Security Key NFC by Yubico (5.7)", yubico},
	{"cb69481e-8ff7-4039-93ec-0a2729a154a8", "YubiKey 5 (5.1)", yubico},
	{"ee882879-721c-4913-9775-3dfcce97072a", "YubiKey 5 (5.2, 5.4)", yubico},
	{"19083c3d-8383-4b18-bc03-8f1c9ab2fd1b", "YubiKey 5 (5.7)", yubico},
	{"73bb0cd4-e502-49b8-9c6f-b59445bf720b", "YubiKey 5 FIPS (5.4)", yubico},
	{"fa2b99dc-9e39-4257-8f92-4a30d23c4118", "YubiKey 5 NFC (5.1)", yubico},
	{"2fc0579f-8113-47ea-b116-bb5a8db9202a", "YubiKey 5 NFC (5.2, 5.4)", yubico},
	{"a25342c0-3cdc-4414-8e46-f4807fca511c", "YubiKey 5 NFC (5.7)", yubico},
	{"c1f9a0bc-1dd2-404a-b27f-8e29047a43fd", "YubiKey 5 NFC FIPS (5.4)", yubico},
	{"c5ef55ff-ad9a-4b9f-b580-adebafe026d0", "YubiKey 5Ci (5.2, 5.4)", yubico},
	{"a02167b9-ae71-4ac7-9a07-06432ebb6f1c", "YubiKey 5Ci (5.7)", yubico},
	{"85203421-48f9-4355-9bc8-8a53846e5083", "YubiKey 5Ci FIPS (5.4)", yubico},
	{"d8522d9f-575b-4866-88a9-ba99fa02f35b", "YubiKey Bio (5.5)", yubico},
	{"7d1351a6-e097-4852-b8bf-c9ac5c9ce4a3", "YubiKey Bio, multi-protocol", entra},
}

// Seed names the makes of the list that the house has no name for. It writes nothing when all are there.
func Seed(ctx context.Context, s *store.Store) error {
	rows, err := s.DB().Query(ctx, `SELECT aaguid FROM webauthn_types`)
	if err != nil {
		return err
	}
	defer rows.Close()
	have := map[string]bool{}
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return err
		}
		have[a] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var missing []known
	for _, k := range list {
		if !have[k.aaguid] {
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.Write(ctx, store.House, func(tx *store.Tx) error {
		for _, k := range missing {
			if err := name(tx, k.aaguid, k.name, false); err != nil {
				return err
			}
		}
		return nil
	})
}

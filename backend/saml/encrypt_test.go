package saml

import (
	"crypto/rsa"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
)

func encrypted(t *testing.T, cipher string, signed bool) *etree.Element {
	t.Helper()
	root := read(t, response)
	a := Children(root, Assertion, "Assertion")[0]
	if err := Sign(a, ours().signs(SHA256, rsa256)); err != nil {
		t.Fatal(err)
	}
	e, err := Encrypt(a, theirs().cert, cipher)
	if err != nil {
		t.Fatal(err)
	}
	at := a.Index()
	root.RemoveChild(a)
	root.InsertChildAt(at, e)
	if signed {
		if err := Sign(root, ours().signs(SHA256, rsa256)); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, text(t, root))
}

func TestEncryptedThereAndBack(t *testing.T) {
	for _, cipher := range Ciphers {
		for _, signed := range []bool{false, true} {
			root := encrypted(t, cipher, signed)
			if strings.Contains(text(t, root), "anna") {
				t.Fatal("the name can be read")
			}
			got, err := ours().trust().Response(root, theirs().key)
			if err != nil || name(t, got.Assertion) != "anna" || (got.Response != nil) != signed {
				t.Errorf("%s: %v", cipher, err)
			}
			_, err = ours().trust().Response(root, ours().key)
			refused(t, err, "can't be decrypted")
			_, err = ours().trust().Response(root, nil)
			refused(t, err, "no RSA key")
		}
	}
	_, err := Encrypt(read(t, assertion), onP256().cert, "aes256-gcm")
	refused(t, err, "Only certificates with an RSA key")
	_, err = Encrypt(read(t, assertion), ours().cert, "rot13")
	refused(t, err, "“rot13” is not known")
}

// TestXmlsecDecryptsWhatWeEncrypt asks the independent judge.
func TestXmlsecDecryptsWhatWeEncrypt(t *testing.T) {
	for _, cipher := range Ciphers {
		e, err := Encrypt(read(t, assertion), theirs().cert, cipher)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "m.xml")
		write(t, file, text(t, e))
		key, _ := theirs().files(t)
		if out := xmlsec(t, "--decrypt", "--privkey-pem", key, file); !strings.Contains(out, "anna") {
			t.Errorf("%s: %s", cipher, out)
		}
	}
}

func TestWeDecryptWhatXmlsecEncrypts(t *testing.T) {
	_, cert := theirs().files(t)
	for _, cipher := range []string{Encryption + "aes128-cbc", Encryption + "aes192-cbc", Encryption + "aes256-cbc", enc11 + "aes128-gcm", enc11 + "aes192-gcm", enc11 + "aes256-gcm"} {
		dir := t.TempDir()
		template := `<xenc:EncryptedData xmlns:xenc="` + Encryption + `" Type="` + Encryption + `Element"><xenc:EncryptionMethod Algorithm="` + cipher + `"/><ds:KeyInfo xmlns:ds="` + Signature + `"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="` + oaep +
			`"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>`
		write(t, filepath.Join(dir, "t.xml"), template)
		write(t, filepath.Join(dir, "a.xml"), assertion)
		bits := cipher[strings.Index(cipher, "aes")+3:][:3]
		xmlsec(t, "--encrypt", "--pubkey-cert-pem", cert, "--session-key", "aes-"+bits, "--xml-data", filepath.Join(dir, "a.xml"), "--output", filepath.Join(dir, "e.xml"), filepath.Join(dir, "t.xml"))
		body := slurp(t, filepath.Join(dir, "e.xml"))
		body = body[strings.Index(body, "<xenc:EncryptedData"):]
		got, err := Decrypt(read(t, `<saml:EncryptedAssertion xmlns:saml="`+Assertion+`">`+body+`</saml:EncryptedAssertion>`), theirs().key)
		if err != nil || name(t, got) != "anna" {
			t.Errorf("%s: %v", cipher, err)
		}
	}
}

// TestDecryptionTellsNothing holds that every damage to what is encrypted gets one answer, and that nothing panics.
func TestDecryptionTellsNothing(t *testing.T) {
	for _, cipher := range Ciphers {
		e, err := Encrypt(read(t, assertion), theirs().cert, cipher)
		if err != nil {
			t.Fatal(err)
		}
		value := e.FindElement("./EncryptedData/CipherData/CipherValue")
		raw, err := base64.StdEncoding.DecodeString(value.Text())
		if err != nil {
			t.Fatal(err)
		}
		try := func(b []byte) {
			t.Helper()
			value.SetText(base64.StdEncoding.EncodeToString(b))
			if _, err := Decrypt(e, theirs().key); err != nil && err != error(unreadable) {
				t.Fatalf("%s tells more: %v", cipher, err)
			}
		}
		for n := 0; n < len(raw); n += 7 {
			try(raw[:n])
		}
		for i := range 256 { // every last octet, and with it every padding
			b := append([]byte(nil), raw...)
			b[len(b)-17] ^= byte(i)
			try(b)
			b[len(b)-1] ^= byte(i)
			try(b)
		}
		key := e.FindElement("./EncryptedData/KeyInfo/EncryptedKey/CipherData/CipherValue")
		key.SetText(base64.StdEncoding.EncodeToString(make([]byte, 256)))
		value.SetText(base64.StdEncoding.EncodeToString(raw))
		if _, err := Decrypt(e, theirs().key); err != error(unreadable) {
			t.Errorf("a key of zeros: %v", err)
		}
	}
}

func TestEncryptionThatIsRefused(t *testing.T) {
	e, err := Encrypt(read(t, assertion), theirs().cert, "aes128-cbc")
	if err != nil {
		t.Fatal(err)
	}
	whole := text(t, e)
	for _, c := range []struct{ old, new, word string }{
		{oaep, Encryption + "rsa-1_5", "choose RSA-OAEP"},
		{Encryption + "aes128-cbc", Encryption + "tripledes-cbc", "not supported"},
		{"xenc:EncryptedKey", "xenc:Other", "brings no key"},
		{"xenc:EncryptedData", "xenc:Other", "holds no encrypted data"},
	} {
		_, err := Decrypt(read(t, strings.ReplaceAll(whole, c.old, c.new)), theirs().key)
		refused(t, err, c.word)
	}
	_, err = Decrypt(e, onP256().key)
	refused(t, err, "no RSA key")
	if _, ok := theirs().key.(*rsa.PrivateKey); !ok || unreadable.Kind != fault.Invalid {
		t.Error("the test's own key")
	}
}

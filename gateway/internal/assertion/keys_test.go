package assertion

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// The helpers below make PEM blocks as openssl does: genpkey for PKCS #8, ec and
// ecparam for SEC 1.

func pemBlock(t testing.TB, kind string) func(der []byte, err error) string {
	return func(der []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	return pemBlock(t, "PRIVATE KEY")(x509.MarshalPKCS8PrivateKey(key))
}

func newEd25519(t testing.TB) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(t, key)
}

func newECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyIDOf returns the ID of the first key in text.
func keyIDOf(t testing.TB, text string) string {
	t.Helper()
	keys, err := parseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys.public[0].KeyID
}

// The key of RFC 8037, appendix A.1, has the thumbprint in A.3.
func TestKeyID(t *testing.T) {
	t.Parallel()
	seed, err := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	if err != nil {
		t.Fatal(err)
	}
	const want = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	if got := keyIDOf(t, pkcs8(t, ed25519.NewKeyFromSeed(seed))); got != want {
		t.Errorf("key ID %q, want %q", got, want)
	}
}

// badKeys returns files that are refused, with what the error says.
func badKeys(t testing.TB) []badKey {
	good := newEd25519(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384 := newECDSA(t, elliptic.P384())
	p384SEC1 := pemBlock(t, "EC PRIVATE KEY")(x509.MarshalECPrivateKey(p384))
	public := pemBlock(t, "PUBLIC KEY")(x509.MarshalPKIXPublicKey(p384.Public()))
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(good, "\n")
	cutOff, wrongLetter := strings.Join(lines[:2], "\n"), strings.Replace(good, lines[1], "*"+lines[1][1:], 1)
	block := func(kind, content string) string { return pemBlock(t, kind)([]byte(content), nil) }
	pkcs1 := block("RSA PRIVATE KEY", string(x509.MarshalPKCS1PrivateKey(rsaKey)))
	return []badKey{
		{"empty", "", "no key in it"},
		{"blank", " \n\n", "no key in it"},
		{"RSA", pkcs8(t, rsaKey), "block 1 is a key of another kind"},
		{"X25519", pkcs8(t, x25519), "block 1 is a key of another kind"},
		{"RSA in PKCS #1", pkcs1, "block 1 is an RSA key"},
		{"P-384", good + pkcs8(t, p384), "block 2 is a key on the curve P-384"},
		{"P-384 in SEC 1", p384SEC1, "block 1 is a key on the curve P-384"},
		{"a public key", good + public, "block 2 is a public key"},
		{"a certificate", block("CERTIFICATE", "MII"), "block 1 is a certificate"},
		{"with a passphrase", block("ENCRYPTED PRIVATE KEY", "MII"), "block 1 is a key with a passphrase"},
		{"of another program", block("OPENSSH PRIVATE KEY", "openssh-key-v1"), "block 1 is something else"},
		{"damaged inside", good + block("PRIVATE KEY", "0.\x02\x01\x00"), "block 2 is a damaged key"},
		{"damaged SEC 1", block("EC PRIVATE KEY", "0.\x02\x01\x00"), "block 1 is a damaged key"},
		{"the same key twice", good + newEd25519(t) + good, "block 3 is the same key as block 1"},
		{"text before", "my key\n" + good, "block 1 is no PEM block"},
		{"text between", good + "# old:\n" + newEd25519(t), "block 2 is no PEM block"},
		{"text after", good + "bWFkZSB1cA==", "block 2 is no PEM block"},
		{"one that was cut off", good + cutOff, "block 2 is no PEM block"},
		{"a first one without its end", cutOff + "\n" + newEd25519(t), "block 1 is no PEM block"},
		{"a first one with a wrong letter", wrongLetter + newEd25519(t), "block 1 is no PEM block"},
		{"on one line", strings.Join(lines, ""), "block 1 is no PEM block"},
		{"too long", strings.Repeat(good, 1000), "at most 65536 bytes"},
	}
}

type badKey struct{ name, text, want string }

// leaks reports whether a message quotes a key file.
func leaks(message, text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, pemBegin) || strings.HasPrefix(line, "-----END ") {
			continue
		}
		for i := 0; i+12 <= len(line); i++ {
			if strings.Contains(message, line[i:i+12]) {
				return true
			}
		}
	}
	return false
}

func TestOpenKeysRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range badKeys(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.pem")
			replaceKeys(t, path, test.text)
			keys, err := OpenKeys(path, zerolog.Nop())
			if keys != nil || err == nil {
				t.Fatalf("OpenKeys = %v, %v, want an error", keys, err)
			}
			for _, want := range []string{"assertion keys: " + path, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if leaks(err.Error(), test.text) {
				t.Errorf("error %q shows the key", err)
			}
		})
	}
	if _, err := OpenKeys(filepath.Join(t.TempDir(), "none"), zerolog.Nop()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v, want that there is none", err)
	}
}

// A file that is broken later is logged once, and the previous keys stay in use.
func TestKeysBrokenLater(t *testing.T) {
	t.Parallel()
	for _, test := range badKeys(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				text := newEd25519(t)
				issuer, path, log := newTestIssuer(t, text)
				replaceKeys(t, path, test.text)
				for range 20 {
					time.Sleep(5 * time.Second)
					if got := kidOf(t, issuer, issuer.Token(testVisitor)); got != keyIDOf(t, text) {
						t.Fatalf("signed by %s, want the previous key", got)
					}
				}
				const want = `"message":"file not reloaded, keeping previous content"`
				got := log.String()
				if strings.Count(got, want) != 1 || strings.Count(got, "\n") != 1 || leaks(got, test.text) {
					t.Errorf("log %q, want one line with %s and nothing of the keys", got, want)
				}
				fixed := newEd25519(t)
				replaceKeys(t, path, fixed)
				time.Sleep(5 * time.Second)
				if got := kidOf(t, issuer, issuer.Token(testVisitor)); got != keyIDOf(t, fixed) {
					t.Errorf("fixed: signed by %s, want the new key", got)
				}
				if !strings.Contains(log.String(), `"message":"file reloaded"`) {
					t.Errorf("log %q, want that the file was reloaded", log)
				}
			})
		})
	}
}

// A text is refused with a short error, or each of its blocks is a key and the
// first signs.
func FuzzParseKeys(f *testing.F) {
	good := newEd25519(f)
	f.Add(good)
	f.Add(good + pkcs8(f, newECDSA(f, elliptic.P256())))
	for _, test := range badKeys(f) {
		f.Add(test.text[:min(len(test.text), 2000)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKeys(text)
		if err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("parseKeys(%q): a long error: %v", text, err)
			}
			return
		}
		if got, want := len(keys.public), strings.Count(text, pemBegin); got != want {
			t.Errorf("parseKeys(%q): %d keys, want %d", text, got, want)
		}
		jws, err := keys.signer.Sign([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jws.Verify(keys.public[0]); err != nil {
			t.Errorf("parseKeys(%q): the first key does not verify: %v", text, err)
		}
		for _, key := range keys.public {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("parseKeys(%q): a key that is not public or not valid", text)
			}
		}
	})
}

package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/watch"
)

// Keys are the keys of a file. The first signs; all are published.
type Keys struct {
	signer jose.Signer
	public []jose.JSONWebKey // in the order of the file, each with a key ID
}

const (
	maxKeysBytes = 64 << 10 // hundreds of keys

	pemBegin  = "-----BEGIN "
	keyWanted = `expected an Ed25519 or P-256 private key without a passphrase, ` +
		`as "openssl genpkey -algorithm ed25519" makes it`
)

// OpenKeys reads the private keys in the PEM file at path. While the file's Run
// runs, they follow its changes. Several Issuers may share them.
func OpenKeys(path string, logger zerolog.Logger) (*watch.File[*Keys], error) {
	return watch.Open(watch.Format[*Keys]{
		Noun:     "assertion keys",
		Hint:     "write one private key or more in PEM to the file",
		MaxBytes: maxKeysBytes,
		Parse:    func(texts ...string) (*Keys, error) { return parseKeys(texts[0]) },
	}, logger, path)
}

func (k *Keys) has(keyID string) bool {
	return slices.ContainsFunc(k.public, func(key jose.JSONWebKey) bool { return key.KeyID == keyID })
}

// parseKeys reads private keys, one in each PEM block, with nothing but white
// space around the blocks. Its errors give the number of the block and quote
// nothing of it.
func parseKeys(text string) (*Keys, error) {
	keys := &Keys{}
	blocks := make(map[string]int) // by key ID
	for number := 1; ; number++ {
		text = strings.TrimSpace(text)
		if text == "" {
			break
		}
		block, rest := decodeBlock(text)
		if block == nil {
			return nil, fmt.Errorf("block %d is no PEM block, or has text before it: %s, and nothing else",
				number, keyWanted)
		}
		text = rest
		key, err := parsePrivateKey(block)
		if err != nil {
			return nil, fmt.Errorf("block %d is %w: %s", number, err, keyWanted)
		}
		public, err := publicKey(key)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", number, err)
		}
		if first, ok := blocks[public.KeyID]; ok {
			return nil, fmt.Errorf("block %d is the same key as block %d: remove one of them", number, first)
		}
		blocks[public.KeyID] = number
		if keys.signer == nil {
			if keys.signer, err = newSigner(key, public); err != nil {
				return nil, fmt.Errorf("block %d: %w", number, err)
			}
		}
		keys.public = append(keys.public, public)
	}
	if keys.signer == nil {
		return nil, errors.New("no key in it: " + keyWanted)
	}
	return keys, nil
}

// decodeBlock returns the block at the start of text, nil if there is none.
// pem.Decode skips what it cannot decode, such as a first key with a letter
// missing. Then another key than the operator put first would sign.
func decodeBlock(text string) (block *pem.Block, rest string) {
	decoded, after := pem.Decode([]byte(text))
	rest = string(after)
	skipped := decoded == nil || strings.Count(text[:len(text)-len(rest)], pemBegin) > 1
	if skipped || !strings.HasPrefix(text, pemBegin) {
		return nil, text
	}
	return decoded, rest
}

// parsePrivateKey returns the key in a block. The error says what the block is
// instead. It does not wrap that of crypto/x509, which may quote the key.
func parsePrivateKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return nil, errors.New("an RSA key")
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("a key with a passphrase")
	case "PUBLIC KEY":
		return nil, errors.New("a public key")
	case "CERTIFICATE":
		return nil, errors.New("a certificate")
	case "EC PARAMETERS":
		return nil, errors.New("the name of a curve, which openssl writes without -noout")
	default:
		return nil, errors.New("something else")
	}
	if err != nil {
		return nil, errors.New("a damaged key or one with a passphrase")
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
		return nil, fmt.Errorf("a key on the curve %s", key.Curve.Params().Name)
	default:
		return nil, errors.New("a key of another kind")
	}
}

// publicKey returns the public half of key. Its ID is the SHA-256 thumbprint of
// RFC 7638, which is the same at every replica.
func publicKey(key crypto.Signer) (jose.JSONWebKey, error) {
	public := jose.JSONWebKey{Key: key.Public(), Algorithm: string(jose.EdDSA), Use: "sig"}
	if _, ok := public.Key.(*ecdsa.PublicKey); ok {
		public.Algorithm = string(jose.ES256)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return public, nil
}

func newSigner(key crypto.Signer, public jose.JSONWebKey) (jose.Signer, error) {
	return jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(public.Algorithm),
		Key:       jose.JSONWebKey{Key: key, KeyID: public.KeyID},
	}, new(jose.SignerOptions).WithType("JWT"))
}

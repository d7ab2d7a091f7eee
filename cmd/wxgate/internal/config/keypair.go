package config

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"strings"
)

// wrongPair says what is wrong with the texts of a certificate file and a key file that
// do not belong together; "" if that is all that can be told.
func wrongPair(certPEM, keyPEM []byte) string {
	switch certs, keys := countBlocks(certPEM), countBlocks(keyPEM); {
	case certs.certificates == 0 && keys.keys == 0 && certs.keys > 0 && keys.certificates > 0:
		return "; the two files are swapped"
	case certs.certificates == 0 && certs.keys > 0:
		return "; the file holds a key and no certificate"
	case certs.certificates == 0:
		return "; the file holds no PEM certificate"
	case keys.keys == 0 && keys.certificates > 0:
		return "; the key file holds a certificate and no key"
	case keys.encrypted:
		return "; the key is encrypted: decrypt it, as nobody types its password when wxgate starts"
	case keys.keys == 0:
		return "; the key file holds no PEM key"
	}
	if n := ownerOf(certPEM, keyPEM); n > 0 {
		return fmt.Sprintf("; certificate %d of the file does: put it first, then its issuers", n)
	}
	return ""
}

// blocks counts the PEM blocks of a file.
type blocks struct {
	certificates, keys int
	encrypted          bool
}

func countBlocks(text []byte) (b blocks) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			b.certificates++
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			b.keys++
			b.encrypted = b.encrypted || strings.HasPrefix(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != ""
		}
	}
	return b
}

// ownerOf returns the number, from 1, of the certificate in a file that belongs to a
// key; 0: none does.
func ownerOf(certPEM, keyPEM []byte) int {
	n := 0
	for block, rest := pem.Decode(certPEM); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		if _, err := tls.X509KeyPair(bytes.TrimSpace(pem.EncodeToMemory(block)), keyPEM); err == nil {
			return n
		}
	}
	return 0
}

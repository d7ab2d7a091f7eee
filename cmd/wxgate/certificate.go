package main

import (
	"crypto/tls"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/watch"
)

// openCertificate reads the certificate in the two PEM files.
func openCertificate(certFile, keyFile string, logger zerolog.Logger) (*watch.File[*tls.Certificate], error) {
	return watch.Open(watch.Format[*tls.Certificate]{
		Noun:     "certificate",
		Hint:     "put a certificate and its key into the two files",
		MaxBytes: 1 << 20, // hundreds of certificates
		Parse:    parseCertificate,
	}, logger, certFile, keyFile)
}

// serving returns a TLS configuration that serves the certificate as the files
// have it.
func serving(pair *watch.File[*tls.Certificate]) *tls.Config {
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Value(), nil },
		NextProtos:     []string{"h2", "http/1.1"},
	}
}

// parseCertificate parses the texts of the certificate file and of the key file.
func parseCertificate(texts ...string) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(texts[0]), []byte(texts[1]))
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

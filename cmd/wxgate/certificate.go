package main

import (
	"crypto/tls"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/watch"
)

// loadCertificate returns a TLS configuration that serves the certificate in
// the two PEM files, and a new one after they change.
func loadCertificate(certFile, keyFile string, logger zerolog.Logger) (*tls.Config, error) {
	file, err := watch.Open(watch.Format[*tls.Certificate]{
		Noun:     "certificate",
		Hint:     "put a certificate and its key into the two files",
		MaxBytes: 1 << 20, // hundreds of certificates
		Parse:    parseCertificate,
	}, logger, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return file.Value(), nil },
		NextProtos:     []string{"h2", "http/1.1"},
	}, nil
}

// parseCertificate parses the texts of the certificate file and of the key file.
func parseCertificate(texts ...string) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(texts[0]), []byte(texts[1]))
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

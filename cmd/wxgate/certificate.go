package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// certificateRecheck is how long a certificate is used before its files are
// looked at again.
const certificateRecheck = 2 * time.Second

// certificate is a certificate that follows its files. A broken pair of files
// leaves the former one in place.
type certificate struct {
	certFile, keyFile string
	logger            zerolog.Logger

	mu        sync.Mutex
	current   *tls.Certificate
	modified  [2]time.Time
	checkedAt time.Time
}

// loadCertificate returns a TLS configuration that serves the certificate in
// the two PEM files, also after they change.
func loadCertificate(certFile, keyFile string, logger zerolog.Logger) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger}
	if err := c.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.latest(), nil },
		NextProtos:     []string{"h2", "http/1.1"},
	}, nil
}

// latest returns the certificate, reading the files again if they changed.
func (c *certificate) latest() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checkedAt) < certificateRecheck {
		return c.current
	}
	if c.modified != c.stamps() {
		if err := c.load(); err != nil {
			c.logger.Error().Err(err).Str("mend", "put a certificate and its key into the two files; the former one is served meanwhile").Msg("certificate not reloaded")
		} else {
			c.logger.Info().Msg("certificate reloaded")
		}
	}
	c.checkedAt = time.Now()
	return c.current
}

// load reads both files. The times are taken first: a change in between is
// seen at the next look.
func (c *certificate) load() error {
	c.modified, c.checkedAt = c.stamps(), time.Now()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	c.current = &pair
	return nil
}

// stamps are the times at which the files changed; zero for a missing one.
func (c *certificate) stamps() (times [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			times[i] = info.ModTime()
		}
	}
	return times
}

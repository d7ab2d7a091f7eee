package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readFile reads a file of at most 1 MiB. Its errors do not hold the path.
func readFile(path string) ([]byte, error) {
	const most = 1 << 20
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if len(text) > most {
		return nil, errors.New("larger than 1 MiB")
	}
	return text, nil
}

// readCAs reads a file of PEM certificates.
func readCAs(path string) (*x509.CertPool, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, wrap("read the certificates", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("expected a file with at least one PEM certificate")
	}
	return pool, nil
}

// readable checks that a file or a folder can be opened. An empty path is no
// error.
func readable(path string, folder bool) error {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return withoutPath(err)
	}
	defer file.Close()
	switch info, err := file.Stat(); {
	case err != nil:
		return withoutPath(err)
	case folder && !info.IsDir():
		return errors.New("not a folder")
	case !folder && info.IsDir():
		return errors.New("is a directory")
	}
	return nil
}

// withoutPath removes the path from an error of package os.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// wrap adds what was tried to an error; nil stays nil.
func wrap(tried string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", tried, err)
	}
	return nil
}

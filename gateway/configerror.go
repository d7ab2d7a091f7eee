package gateway

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// A ConfigError is why [New] refuses a [Config]: everything that is wrong with it.
type ConfigError struct {
	Fields []FieldError // never empty
}

// Error names every field that is wrong.
func (e *ConfigError) Error() string {
	texts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		texts[i] = f.Error()
	}
	return "gateway: " + strings.Join(texts, "\n")
}

// Unwrap returns the errors of the fields.
func (e *ConfigError) Unwrap() []error {
	errs := make([]error, len(e.Fields))
	for i, f := range e.Fields {
		errs[i] = f
	}
	return errs
}

// A FieldError says what is wrong with one field. It holds nothing of a secret.
type FieldError struct {
	Site  int    // index in [Config.Sites]; -1: a field of the Config itself
	Field string // name of the Go field, such as "CookieName"
	Err   error
}

// Error names the field, then the problem.
func (e FieldError) Error() string {
	if e.Site < 0 {
		return e.Field + ": " + e.Err.Error()
	}
	return fmt.Sprintf("Sites[%d].%s: %v", e.Site, e.Field, e.Err)
}

// Unwrap returns the problem.
func (e FieldError) Unwrap() error { return e.Err }

// fieldErrors collects what is wrong with the fields of one site, or of the
// gateway.
type fieldErrors struct {
	site   int
	fields []FieldError
}

// add notes the error of a field; nil is none.
func (f *fieldErrors) add(field string, err error) {
	if err != nil {
		f.fields = append(f.fields, FieldError{f.site, field, err})
	}
}

// positive notes a duration below zero.
func (f *fieldErrors) positive(field string, d time.Duration) {
	if d < 0 {
		f.add(field, fmt.Errorf("%s: expected a positive duration", d))
	}
}

// CheckPrefix returns nil if prefix can be the path of the gateway's own
// endpoints, [Config.Prefix], and otherwise what is expected.
func CheckPrefix(prefix string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/"
	if !strings.HasPrefix(prefix, "/") || prefix == "/" || path.Clean(prefix) != prefix || strings.Trim(prefix, letters) != "" {
		return errors.New("expected a clean path of letters, digits and . _ ~ - / without a slash at its end, such as /_wx")
	}
	return nil
}

// CheckVerifyFile returns nil if token can be one of [Site.VerifyFiles], and
// otherwise what is expected.
func CheckVerifyFile(token string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if token == "" || len(token) > 64 || strings.Trim(token, letters) != "" {
		return errors.New("expected only what stands between MP_verify_ and .txt in the file's name: at most 64 letters and digits")
	}
	return nil
}

// check returns an error unless r is a rate or no limit.
func (r Rate) check() error {
	if r.Count < 0 || r.Per < 0 || r.Count > 0 && r.Per == 0 {
		return errors.New("expected a count and a duration above zero, or a count of zero for no limit")
	}
	return nil
}

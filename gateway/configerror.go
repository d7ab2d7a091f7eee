package gateway

import (
	"fmt"
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
		f.addAt(f.site, field, err)
	}
}

// addAt notes the error of a field of another site.
func (f *fieldErrors) addAt(site int, field string, err error) {
	f.fields = append(f.fields, FieldError{site, field, err})
}

// positive notes a duration below zero.
func (f *fieldErrors) positive(field string, d time.Duration) {
	if d < 0 {
		f.add(field, fmt.Errorf("%s: expected a positive duration", d))
	}
}

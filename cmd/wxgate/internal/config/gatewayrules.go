package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wxgate/wxgate/gateway/origin"
)

func checkPrefix(s string) error {
	if !plainPath(s) || strings.HasSuffix(s, "/") {
		return errors.New("expected a clean path of letters, digits and . _ ~ - / " +
			"without a slash at its end, such as /_wx")
	}
	return nil
}

// Rate is a number of events in a duration. The zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// UnmarshalText parses count/duration, such as 600/1m, or 0 for no limit.
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*r = Rate{}
		return nil
	}
	count, per, _ := strings.Cut(string(text), "/")
	n, errCount := strconv.ParseUint(count, 10, 31)
	d, errPer := time.ParseDuration(per)
	if errCount != nil || errPer != nil || n == 0 || d <= 0 {
		return errors.New("expected count/duration, such as 600/1m or 10/1s, or 0 for no limit")
	}
	*r = Rate{Count: int(n), Per: d}
	return nil
}

// String returns the rate in the form that [Rate.UnmarshalText] parses.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "0"
	}
	return fmt.Sprintf("%d/%s", r.Count, r.Per)
}

// MarshalText returns the text of [Rate.String].
func (r Rate) MarshalText() ([]byte, error) {
	return []byte(r.String()), nil
}

// VerifyFiles is a list of the tokens of MP_verify_<token>.txt files.
type VerifyFiles []string

// UnmarshalText parses a comma-separated list of tokens: letters and digits, at
// most 64.
func (v *VerifyFiles) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), parseVerifyFile)
	if err != nil {
		return err
	}
	*v = list
	return nil
}

func parseVerifyFile(text string) (string, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if len(text) > 64 || strings.Trim(text, letters) != "" {
		return "", errors.New("expected only the part between MP_verify_ and .txt in the file's name: " +
			"at most 64 letters and digits")
	}
	return text, nil
}

// PictureURL is the address of a picture for browsers: an absolute http or https
// URL, or a path of the site.
type PictureURL string

// UnmarshalText parses a URL, which may have a query, or a path that begins with
// one slash.
func (p *PictureURL) UnmarshalText(text []byte) error {
	in := string(text)
	u, err := url.Parse(in)
	switch {
	case err != nil, strings.ContainsAny(in, "\\\"'<> ;,"), printable(in) != nil, u.Fragment != "":
	case u.User != nil:
		return errors.New("expected a URL without user name and password")
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(in, "/") && !strings.HasPrefix(in, "//"),
		(u.Scheme == "https" || u.Scheme == "http") && origin.IsHostname(strings.ToLower(u.Hostname())):
		*p = PictureURL(text)
		return nil
	}
	return errors.New("expected an address such as https://h5.example.com/qr.png, " +
		"or a path of the site such as /static/qr.png")
}

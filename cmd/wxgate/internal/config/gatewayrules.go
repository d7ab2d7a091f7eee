package config

import "github.com/wxgate/wxgate/gateway"

// VerifyFiles is a list of the tokens of MP_verify_<token>.txt files.
type VerifyFiles []string

// UnmarshalText parses a comma-separated list of tokens.
func (v *VerifyFiles) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), func(token string) (string, error) {
		return token, gateway.CheckVerifyFile(token)
	})
	if err != nil {
		return err
	}
	*v = list
	return nil
}

// PictureURL is the address of a picture for browsers: an absolute http or https
// URL, or a path of the site.
type PictureURL string

// UnmarshalText parses a URL, which may have a query, or a path that begins with
// one slash.
func (p *PictureURL) UnmarshalText(text []byte) error {
	*p = PictureURL(text)
	return gateway.CheckPictureURL(string(text))
}

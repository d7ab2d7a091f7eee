package session

import "errors"

// maxOpenIDBytes is the longest openid that package wechat lets pass.
const maxOpenIDBytes = 128

// CheckOpenID returns an error if openID cannot be an openid: it is empty, longer
// than 128 bytes, or holds anything but visible ASCII characters. The error does not
// contain it.
func CheckOpenID(openID string) error {
	if openID == "" || len(openID) > maxOpenIDBytes {
		return errors.New("expected an openid of 1 to 128 characters")
	}
	for _, c := range []byte(openID) {
		if c <= ' ' || c > '~' {
			return errors.New("expected an openid: letters, digits, - and _")
		}
	}
	return nil
}

package session

import (
	"encoding"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// maxCookieBytes limits the name and the value of a cookie together: RFC 6265
// asks browsers to keep 4,096 bytes, and most drop a larger cookie.
const maxCookieBytes = 4096

// A jar seals and opens the cookies of one purpose. It is gorilla's cookie store
// with derived keys and with every option set: gorilla's defaults are no
// HttpOnly, SameSite=None and thirty days.
//
// A jar calls the codecs instead of gorilla's New and Save. New reads only the
// first cookie of a name, but a cookie of a parent domain may come before ours.
// Both also allocate a map for each request.
type jar struct {
	*sessions.CookieStore
}

// newJar returns the jar for one purpose. Its values implement
// [encoding.BinaryMarshaler] and [encoding.BinaryUnmarshaler].
func newJar(c Config, purpose string) (jar, error) {
	pairs, err := c.deriveKeys(purpose)
	if err != nil {
		return jar{}, err
	}
	store := sessions.NewCookieStore(pairs...)
	store.Options = &sessions.Options{
		Path:     "/",
		Domain:   c.Domain,
		Secure:   c.Secure,
		HttpOnly: true,
		// Not Strict: the redirect back from WeChat is a cross-site navigation.
		SameSite: http.SameSiteLaxMode,
	}
	for _, codec := range store.Codecs {
		sealed := codec.(*securecookie.SecureCookie)
		sealed.SetSerializer(binarySerializer{})
		sealed.MaxAge(0) // the sealed value holds its own times, which the callers check
		sealed.MaxLength(maxCookieBytes)
	}
	return jar{store}, nil
}

// open decodes the value of the cookie called name into dst.
func (j jar) open(name, value string, dst any) error {
	if strings.ContainsAny(value, "\r\n") {
		return errMalformed // the decoder of base64 would skip line breaks
	}
	return securecookie.DecodeMulti(name, value, dst, j.Codecs...)
}

// seal returns the value of the cookie called name that holds value.
func (j jar) seal(name string, value any) (string, error) {
	sealed, err := securecookie.EncodeMulti(name, value, j.Codecs...)
	if err != nil {
		return "", fmt.Errorf("seal cookie: %w", err)
	}
	return sealed, nil
}

// set adds a cookie with a sealed value to header. With a maxAge of zero, the
// cookie ends with the browser.
func (j jar) set(header http.Header, name, sealed string, maxAge time.Duration) error {
	if size := len(name) + 1 + len(sealed); size > maxCookieBytes {
		return fmt.Errorf("set cookie: %d bytes; browsers keep at most %d", size, maxCookieBytes)
	}
	header.Add("Set-Cookie", j.line(name, sealed, maxAge))
	return nil
}

// remove adds a Set-Cookie header that makes the browser delete the cookie.
func (j jar) remove(header http.Header, name string) {
	header.Add("Set-Cookie", j.line(name, "", -time.Second))
}

// line returns the Set-Cookie header of a cookie.
func (j jar) line(name, value string, maxAge time.Duration) string {
	options := *j.Options
	options.MaxAge = int(maxAge / time.Second)
	return sessions.NewCookie(name, value, &options).String()
}

// binarySerializer makes gorilla's codecs use the binary form of a value.
type binarySerializer struct{}

func (binarySerializer) Serialize(src any) ([]byte, error) {
	return src.(encoding.BinaryMarshaler).MarshalBinary()
}

func (binarySerializer) Deserialize(src []byte, dst any) error {
	return dst.(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
}

package config

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// shortestSecret is the length of the shortest secret that a file may hold, in bytes: that
// of an admin token. Keys and AppSecrets are longer, and a URL of Redis has another form.
const shortestSecret = 16

// notShown follows the error of a file whose path the fault does not show.
const notShown = "; the value is not shown, because it looks like the secret itself"

// shownPath returns the path of a file that should hold a secret, quoted. People paste the
// secret itself in place of the path: of a value in that form, it returns "" and what an
// error says about it.
func shownPath(path string) (shown, hidden string) {
	if shown = quote(path); shown == "" || looksLikeSecret(path) {
		return "", notShown
	}
	return shown, ""
}

// ofKeys adds to the error of a file that the fault does not show its path, if that is a
// private key.
func ofKeys(path string, err error) error {
	if err != nil && strings.Contains(path, "PRIVATE KEY-----") {
		return fmt.Errorf("%w%s", err, notShown)
	}
	return err
}

// looksLikeSecret reports whether a value has the form of what wxgate keeps secret: a URL
// with a password, keys in base64, an AppSecret or a token. Nothing does that exists, is in
// a folder which exists, or begins with ./.
func looksLikeSecret(value string) bool {
	if _, err := os.Lstat(value); err == nil {
		return false
	}
	switch {
	case strings.ContainsAny(value, "=,"), strings.Contains(value, "://"):
		return true
	case strings.HasPrefix(value, "./"), strings.HasPrefix(value, "../"), inKnownFolder(value):
		return false
	case !strings.Contains(value, "/"):
		return !fileName.MatchString(value) && !(words.MatchString(value) && len(value) < shortestSecret)
	}
	key, err := base64.RawStdEncoding.DecodeString(value)
	return err == nil && len(key) >= shortestSecret && strings.ContainsAny(value, capitals)
}

// capitals are letters of which a random key has some.
const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Names of files in the working directory are words, such as cookie-keys, or have a usual
// ending.
var (
	words    = regexp.MustCompile(`^[a-z]+([._-][a-z]+)+$`)
	fileName = regexp.MustCompile(`^[.0-9A-Za-z_-]+\.(key|pem|secret|txt)$`)
)

// inKnownFolder reports whether a path begins with a folder that exists, other than the root
// and the working directory.
func inKnownFolder(path string) bool {
	folder := filepath.Dir(path)
	if first, _, deeper := strings.Cut(strings.TrimPrefix(path, "/"), "/"); strings.HasPrefix(path, "/") && deeper {
		folder = "/" + first
	}
	_, err := os.Stat(folder)
	return err == nil && folder != "." && folder != "/"
}

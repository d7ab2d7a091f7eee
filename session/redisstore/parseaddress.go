package redisstore

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// encodeHint is what to do about a character that ends a part of a URL.
const encodeHint = "in user names, passwords and parameters, " +
	"write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25"

// parseAddress parses a URL. It does not use url.Parse, whose errors hold the
// whole URL, and which knows only one host. No error here repeats any part of the
// text.
func parseAddress(text string) (Address, error) {
	if strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r == 0x7F || r == '\u00A0' || r == '\u3000'
	}) {
		return Address{}, errors.New("a space or line break in the URL; write a space in a password as %20")
	}
	a, rest, err := cutAddressScheme(text)
	if err != nil {
		return Address{}, err
	}
	authority, rest := cutBefore(rest, "/?#")
	at := strings.LastIndexByte(authority, '@')
	switch {
	case strings.Contains(rest, "@") || at > strings.IndexByte(authority, '@'):
		return Address{}, errors.New("an @ that does not stand between the password and the hosts; " + encodeHint)
	case strings.Contains(rest, "#"):
		return Address{}, errors.New("a # in the URL, which has no fragment; " + encodeHint)
	}
	path, query := cutBefore(rest, "?")
	if at >= 0 {
		err = a.setUser(authority[:at])
	}
	for _, set := range []func() error{
		func() error { return a.setHosts(authority[at+1:]) },
		func() error { return a.setDatabase(strings.TrimPrefix(path, "/")) },
		func() error { return a.setParameters(strings.TrimPrefix(query, "?")) },
	} {
		if err == nil {
			err = set()
		}
	}
	if err != nil {
		return Address{}, err
	}
	return a, nil
}

// cutBefore splits text before the first of the characters.
func cutBefore(text, characters string) (before, after string) {
	if i := strings.IndexAny(text, characters); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// cutAddressScheme returns an address of the kind that the URL's scheme names,
// and what follows the scheme.
func cutAddressScheme(text string) (a Address, rest string, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return Address{}, "", errors.New("expected a URL that begins with redis:// or rediss://, " +
			"such as redis://user:password@redis.example.com:6379/0")
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "redis":
		a = Address{Kind: Single}
	case "rediss":
		a = Address{Kind: Single, TLS: true}
	case "redis+sentinel":
		a = Address{Kind: Sentinel}
	case "rediss+sentinel":
		a = Address{Kind: Sentinel, TLS: true}
	case "redis+cluster":
		a = Address{Kind: Cluster}
	case "rediss+cluster":
		a = Address{Kind: Cluster, TLS: true}
	default:
		return Address{}, "", errors.New(wrongScheme(scheme))
	}
	return a, rest, nil
}

// wrongScheme returns what is wrong with a URL of another scheme. The scheme may
// be part of a password that holds "://", so the text does not repeat it.
func wrongScheme(scheme string) string {
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(scheme, word) {
				return true
			}
		}
		return false
	}
	switch secure := has("rediss", "valkeys", "tls", "ssl"); {
	case has("unix", "socket"):
		return "sockets are not supported; expected redis://host:port"
	case has("sentinel") && secure:
		return "expected rediss+sentinel://host1,host2/0?master=NAME"
	case has("sentinel"):
		return "expected redis+sentinel://host1,host2/0?master=NAME, or rediss+sentinel:// for TLS"
	case has("cluster") && secure:
		return "expected rediss+cluster://host1,host2"
	case has("cluster"):
		return "expected redis+cluster://host1,host2, or rediss+cluster:// for TLS"
	case scheme == "http":
		return "expected redis:// in place of http://; Redis does not speak HTTP"
	case secure || scheme == "https":
		return "expected rediss:// for Redis over TLS"
	}
	return "expected a URL that begins with redis://, or rediss:// for TLS; " +
		"redis+sentinel:// and redis+cluster:// for several hosts"
}

// setUser reads what stands before the @.
func (a *Address) setUser(text string) error {
	user, password, _ := strings.Cut(text, ":")
	if password == "" {
		return errors.New("no password before the @; " +
			"expected user:password@, or :password@ for a password without a user, or nothing before the hosts")
	}
	for _, part := range []struct {
		text string
		to   *string
	}{{user, &a.Username}, {password, &a.Password}} {
		decoded, err := url.PathUnescape(part.text)
		if err != nil {
			return errors.New("a % in the user or password that does not begin a code such as %40; " + encodeHint)
		}
		*part.to = decoded
	}
	return nil
}

// setHosts reads the comma-separated hosts.
func (a *Address) setHosts(text string) error {
	port := "6379"
	if a.Kind == Sentinel {
		port = "26379"
	}
	if a.Kind == Single && strings.Contains(text, ",") {
		return errors.New("several hosts; expected one, " +
			"or redis+sentinel://host1,host2/0?master=NAME or redis+cluster://host1,host2 (rediss+… for TLS)")
	}
	var wrong []string
	for n, item := range strings.Split(text, ",") {
		host, err := parseHost(item, port)
		if i := slices.Index(a.Hosts, host); err == nil && i >= 0 {
			err = fmt.Errorf("the same as host %d; expected each host once", i+1)
		}
		if err != nil && a.Kind == Single {
			return fmt.Errorf("the host: %w", err)
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("host %d: %v", n+1, err))
		}
		a.Hosts = append(a.Hosts, host)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// setDatabase reads the number of the database; no text is 0.
func (a *Address) setDatabase(text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	switch {
	case err != nil || strconv.FormatUint(n, 10) != text:
		hint := ""
		if a.Kind == Sentinel {
			hint = "; the master's name stands in ?master=NAME"
		}
		return errors.New("expected the number of a database behind the hosts, such as /0" + hint)
	case a.Kind == Cluster && n != 0:
		return errors.New("a cluster has no database but 0; leave the number out")
	}
	a.DB = int(n)
	return nil
}

// setParameters reads the query, and checks that a sentinel's is complete.
func (a *Address) setParameters(text string) error {
	switch {
	case a.Kind != Sentinel && text == "":
		return nil
	case a.Kind != Sentinel:
		return errors.New("a parameter behind the ?, but " + a.scheme() + ":// has none; " +
			"expected user and password before the hosts and the number of the database behind them, such as /0")
	}
	to := map[string]*string{
		"master":            &a.Master,
		"sentinel_username": &a.SentinelUsername,
		"sentinel_password": &a.SentinelPassword,
	}
	for text != "" {
		var parameter string
		parameter, text, _ = strings.Cut(text, "&")
		if err := setParameter(to, parameter); err != nil {
			return err
		}
	}
	switch {
	case a.Master == "":
		return errors.New("no name of the master; expected ?master=NAME, " +
			"where NAME is what sentinel.conf has behind sentinel monitor")
	case a.SentinelUsername != "" && a.SentinelPassword == "":
		return errors.New("sentinel_username without sentinel_password; expected both, or the password alone")
	}
	return nil
}

// setParameter sets the value that a parameter of the query names.
func setParameter(to map[string]*string, parameter string) error {
	const known = "expected master, sentinel_username and sentinel_password alone, separated by &"
	name, value, _ := strings.Cut(parameter, "=")
	field, ok := to[name]
	if !ok {
		return errors.New("an unknown parameter; " + known + "; " + encodeHint)
	}
	decoded, err := url.PathUnescape(value)
	switch {
	case err != nil:
		return fmt.Errorf("a %% in %s that does not begin a code such as %%40; %s", name, encodeHint)
	case decoded == "":
		return fmt.Errorf("the parameter %s is empty; give it a value or leave it out", name)
	case *field != "":
		return fmt.Errorf("the parameter %s stands there twice; keep one", name)
	case name == "master" && strings.ContainsFunc(decoded, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("expected a master's name of printable ASCII without spaces")
	}
	*field = decoded
	return nil
}

// parseHost returns one host, with the port if it has none, in the form that
// [net.Dial] takes. Hosts that are the same have the same form.
func parseHost(text, port string) (string, error) {
	host := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:i], text[i+1:]
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case text == "":
		return "", errors.New("empty; expected host or host:port")
	case strings.Count(host, ":") > 0 && !strings.HasPrefix(host, "["):
		return "", errors.New("expected an IPv6 address in brackets, such as [::1]:6379, or host:port; " + encodeHint)
	case err != nil || n == 0 || strconv.FormatUint(n, 10) != port:
		return "", errors.New("expected a port from 1 to 65535 behind the host; " + encodeHint)
	}
	if bare, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(bare, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" || !strings.HasSuffix(bare, "]") {
			return "", errors.New("expected an IPv6 address, without zone, in the brackets")
		}
		return "[" + addr.String() + "]:" + port, nil
	}
	if host = strings.ToLower(host); !isHostname(host) {
		return "", errors.New("expected a name or an IP address; " + encodeHint)
	}
	return host + ":" + port, nil
}

// isHostname reports whether s is a name in dotted labels, maybe with a dot at its
// end, or an IPv4 address.
func isHostname(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	name := strings.TrimSuffix(s, ".")
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, letters) != "" || label[0] == '-' {
			return false
		}
		last = label
	}
	_, notIP := netip.ParseAddr(s)
	return len(name) <= 253 && (notIP == nil || strings.Trim(last, "0123456789") != "")
}

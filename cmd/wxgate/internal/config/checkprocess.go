package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
)

// checkProcess checks the values of the whole process against each other.
func (l *loader) checkProcess(c *Config) {
	l.listeners(c)
	l.relay(c)
	l.certificate(c)
	l.redis(c)
}

// listeners checks that the process can listen on all of its addresses at once.
func (l *loader) listeners(c *Config) {
	var earlier []listener
	for _, a := range c.listeners() {
		if a.address == "" {
			continue
		}
		l.check(a.name, ListenAddress(a.address))
		for _, b := range earlier {
			if l.sound(a.name, b.name) && overlap(a.address, b.address) {
				l.fault(a.name, fmt.Sprintf("%s overlaps the address of %s, %s; expected another port%s",
					a.address, l.name(b.name), b.address, a.orElse))
			}
		}
		earlier = append(earlier, a)
	}
	if c.AdminListen == "" && c.AdminToken != "" {
		l.fault("ADMIN_TOKEN", "set, but "+l.name("ADMIN_LISTEN")+" is empty; the admin API needs that address")
	}
}

// A listener is an address that wxgate listens on, by the variable that gives it;
// empty: it does not.
type listener struct{ name, address, orElse string }

// Listens returns the addresses that wxgate listens on, by the variables that give them.
func (c *Config) Listens() map[string]string {
	all := make(map[string]string)
	for _, l := range c.listeners() {
		if l.address != "" {
			all[namePrefix+l.name] = l.address
		}
	}
	return all
}

func (c *Config) listeners() []listener {
	return []listener{
		{"LISTEN", c.Listen, ""},
		{"ADMIN_LISTEN", c.AdminListen, ", or empty for none"},
		{"RELAY_LISTEN", c.RelayListen, ""},
		{"EXTAUTHZ_LISTEN", c.ExtAuthzListen, ""},
	}
}

// ListenAddress checks an address to listen on: a host and a port, the host may be
// left out.
func ListenAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	_, notIP := netip.ParseAddr(host)
	if err != nil || !origin.IsPort(port) || host != "" && notIP != nil && !origin.IsHostname(strings.ToLower(host)) {
		return errors.New("expected host:port, such as :8080 or 127.0.0.1:8080")
	}
	return nil
}

// overlap reports whether a process cannot listen on both addresses. An address
// without a host, or with an unspecified one, covers all hosts.
func overlap(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	all := func(host string) bool {
		addr, err := netip.ParseAddr(host)
		return host == "" || err == nil && addr.IsUnspecified()
	}
	return portA == portB && portA != "0" && (strings.EqualFold(hostA, hostB) || all(hostA) || all(hostB))
}

// reaches reports whether a connection to the server u surely ends at this
// process, which listens on address.
func reaches(u *url.URL, address string) bool {
	network, server := DialAddress(u)
	host, port, _ := net.SplitHostPort(server)
	ownHost, ownPort, _ := net.SplitHostPort(address)
	if network != "tcp" || port != ownPort {
		return false
	}
	switch strings.ToLower(ownHost) {
	case host:
		return true
	case "", "::":
		return host == "localhost" || host == "127.0.0.1" || host == "::1"
	case "0.0.0.0", "localhost":
		return host == "localhost" || host == "127.0.0.1"
	case "127.0.0.1":
		return host == "localhost"
	}
	return false
}

// relay checks that the relay has both an address and paths, or neither, and hosts
// only if it has them.
func (l *loader) relay(c *Config) {
	const listen, paths, hosts = "RELAY_LISTEN", "RELAY_PATHS", "RELAY_HOSTS"
	if l.sound(listen, hosts) && c.RelayListen == "" && len(c.RelayHosts) > 0 {
		l.fault(hosts, "set, but "+l.name(listen)+" is not; without that address there is no relay")
	}
	switch {
	case !l.sound(listen, paths):
	case c.RelayListen != "" && len(c.RelayPaths) == 0:
		l.fault(paths, "not set, but "+l.name(listen)+" is; "+
			"name what the relay is to forward, such as POST /cgi-bin/message/template/send")
	case c.RelayListen == "" && len(c.RelayPaths) > 0:
		l.fault(listen, "not set, but "+l.name(paths)+" is; "+
			"the relay needs an address of its own, such as 127.0.0.1:8082")
	}
}

// relayAccount checks that the relay has an account of its own if there are
// several sites.
func (l *loader) relayAccount(c *Config) {
	const id, secret = "APP_ID", "APP_SECRET"
	if c.RelayListen == "" {
		return
	}
	for _, name := range []string{id, secret} {
		if _, given := l.sources[name]; !given {
			l.fault(name, "not set, but "+l.name("RELAY_LISTEN")+" is: with several sites, "+
				"the relay serves the account of "+namePrefix+id+" and "+namePrefix+secret)
		}
	}
}

// certificate checks that HTTPS can be served with the certificate and the key.
// Its faults show nothing of the files' content.
func (l *loader) certificate(c *Config) {
	const cert, key = "TLS_CERT_FILE", "TLS_KEY_FILE"
	switch {
	case c.TLSCertFile == "" && c.TLSKeyFile == "":
		return
	case c.TLSCertFile == "":
		l.fault(cert, "not set, but "+l.name(key)+" is; HTTPS needs both")
		return
	case c.TLSKeyFile == "":
		l.fault(key, "not set, but "+l.name(cert)+" is; HTTPS needs both")
		return
	}
	certPEM, err := readFile(c.TLSCertFile)
	l.check(cert, wrap("read the certificate", err))
	keyPEM, err := readFile(c.TLSKeyFile)
	l.check(key, ofKeys(c.TLSKeyFile, wrap("read the key", err)))
	if !l.sound(cert, key) {
		return
	}
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		l.fault(cert, "expected a PEM certificate that belongs to the PEM key in "+l.name(key)+
			wrongPair(certPEM, keyPEM))
	}
}

package samplesite

import (
	"net/netip"
	"net/url"
	"strings"
)

// ways are the addresses at which the demo shows this site behind the follow gate and
// behind scan login. They are empty where a browser does not find these hosts.
type ways struct{ Follow, Scan string }

// waysAt returns the ways for a page that was opened at host. Browsers find the names
// under localhost on the machine of the demo alone.
func waysAt(host string) ways {
	u, err := url.Parse("http://" + host)
	if err != nil || !isLoopback(u.Hostname()) {
		return ways{}
	}
	at := func(name string) string {
		address := "http://" + name + ".localhost"
		if port := u.Port(); port != "" {
			address += ":" + port
		}
		return address + "/"
	}
	return ways{Follow: at("follow"), Scan: at("scan")}
}

func isLoopback(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

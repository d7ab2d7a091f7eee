package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// parseList parses a comma-separated list and ignores spaces around an item. An
// error gives the numbers of all items that are wrong; the fault shows the whole list.
func parseList[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	var wrong []string
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		v, err := parse(item)
		list = append(list, v)
		switch {
		case item == "":
			wrong = append(wrong, fmt.Sprintf("item %d of the list is empty", len(list)))
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("item %d of the list: %v", len(list), err))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "; "))
	}
	return list, nil
}

// Prefixes is a list of networks.
type Prefixes []netip.Prefix

// UnmarshalText parses a comma-separated list of CIDRs and addresses. It ignores
// the host bits of a CIDR.
func (p *Prefixes) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), parsePrefix)
	if err != nil {
		return err
	}
	*p = list
	return nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	// Client addresses are compared as IPv4, so an IPv4-mapped network would
	// never match.
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("expected a CIDR or an address, such as 10.0.0.0/8 or 192.0.2.1")
	}
	return prefix.Masked(), nil
}

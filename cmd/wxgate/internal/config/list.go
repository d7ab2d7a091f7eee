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
	items := parseItems(text, parse)
	return items.values, items.err()
}

// items are the items of a list, and what is wrong with some of them.
type items[T any] struct {
	values []T
	sound  []int // the places of those that are right
	wrong  []string
}

func parseItems[T any](text string, parse func(string) (T, error)) (list items[T]) {
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		v, err := parse(item)
		list.values = append(list.values, v)
		switch n := len(list.values); {
		case item == "":
			list.wrong = append(list.wrong, fmt.Sprintf("item %d of the list is empty", n))
		case err != nil:
			list.wrong = append(list.wrong, fmt.Sprintf("item %d of the list: %v", n, err))
		default:
			list.sound = append(list.sound, n-1)
		}
	}
	return list
}

// err returns everything that is wrong; nil: nothing is.
func (l items[T]) err() error {
	if len(l.wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(l.wrong, "; "))
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

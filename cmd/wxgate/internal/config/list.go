package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// parseList reads a comma-separated list. Blanks around an item do not count.
// An error names the item by its number; the whole is shown beside it.
func parseList[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, fmt.Errorf("item %d of the list is empty", len(list)+1)
		}
		v, err := parse(item)
		if err != nil {
			return nil, fmt.Errorf("item %d of the list: %w", len(list)+1, err)
		}
		list = append(list, v)
	}
	return list, nil
}

// Prefixes is a list of networks.
type Prefixes []netip.Prefix

// UnmarshalText reads a comma-separated list of CIDRs and bare addresses. What
// is behind a CIDR's length does not count.
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
	// A client of an IPv4-mapped network is seen by its IPv4 address, so that
	// such a prefix would never match.
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("expected a CIDR or an address, such as 10.0.0.0/8 or 192.0.2.1")
	}
	return prefix.Masked(), nil
}

// VerifyFiles is a list of the tokens of MP_verify_<token>.txt files.
type VerifyFiles []string

// UnmarshalText reads a comma-separated list of tokens: letters and digits, 64
// at most.
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
		return "", errors.New("expected only what stands between MP_verify_ and .txt in the file's name: at most 64 letters and digits")
	}
	return text, nil
}

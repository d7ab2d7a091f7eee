package config

import "github.com/wxgate/wxgate/gateway/pathset"

// Patterns is a list of [net/http.ServeMux] patterns that make a path set, see
// [pathset.New].
type Patterns []string

// UnmarshalText reads a comma-separated list.
func (p *Patterns) UnmarshalText(text []byte) error {
	list, err := parseList(string(text), pathset.ParsePattern)
	if err != nil {
		return err
	}
	*p = list
	return nil
}

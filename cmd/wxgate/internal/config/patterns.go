package config

import (
	"strings"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/pathset"
)

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

// publicPaths checks that the public paths are not all paths. In a list of several it
// names each pattern that opens all, beside those that are no patterns.
func (l *loader) publicPaths(c *Config) {
	const name = "PUBLIC_PATHS"
	err, text := gateway.CheckPublicPaths(c.PublicPaths), l.values[name]
	if strings.Contains(text, ",") {
		parsed := parseItems(text, pathset.ParsePattern).err()
		each := parseItems(text, publicPattern).err()
		if parsed != nil && l.faults[name].Problem == parsed.Error() {
			delete(l.faults, name)
		}
		if each != nil {
			err = each
		}
	}
	l.check(name, err)
}

// publicPattern parses a pattern that may be public alone.
func publicPattern(text string) (string, error) {
	pattern, err := pathset.ParsePattern(text)
	if err == nil {
		err = gateway.CheckPublicPaths([]string{pattern})
	}
	return pattern, err
}

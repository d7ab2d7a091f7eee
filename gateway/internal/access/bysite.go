package access

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// BySite is whether counters have the label site, which says which of several sites
// they are for.
type BySite bool

const siteLabel = "site"

// Names returns the names of a counter's labels: the given ones, and the label site.
func (b BySite) Names(names ...string) []string {
	if b {
		return append(slices.Clone(names), siteLabel)
	}
	return names
}

// Of returns the label that counters of the given site have; nil if they have none.
func (b BySite) Of(site string) prometheus.Labels {
	if b {
		return prometheus.Labels{siteLabel: site}
	}
	return nil
}

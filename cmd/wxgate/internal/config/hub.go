package config

import "slices"

// hub checks that the site is a hub, or uses one, or neither, and that it has
// the key of the tickets between the two.
func (l *loader) hub(c *Config) {
	if l.sound("HUB_URL", "HUB_SITES") {
		l.hubRole(c)
		l.hubKey(c)
	}
}

// hubRole checks the origins of the hub, or of the hub's sites.
func (l *loader) hubRole(c *Config) {
	const hub, sites, public = "HUB_URL", "HUB_SITES", "PUBLIC_URL"
	usesHub, isHub := !c.HubURL.IsZero(), len(c.HubSites) > 0
	switch {
	case usesHub && isHub:
		l.fault(hub, "set beside "+l.name(sites)+": a hub cannot use another hub; keep one of the two")
	case !l.sound(public):
	case usesHub && c.HubURL == c.PublicURL:
		l.fault(hub, "the site's own "+l.name(public)+", which would redirect visitors in a circle; "+
			"expected the origin of another wxgate")
	case slices.Contains(c.HubSites, c.PublicURL):
		l.fault(sites, c.PublicURL.String()+" is the hub's own "+l.name(public)+
			", which signs in without a ticket; leave it out")
	}
}

// hubKey checks that a key is set if a hub is involved.
func (l *loader) hubKey(c *Config) {
	const hub, sites, key = "HUB_URL", "HUB_SITES", "HUB_KEY"
	var reason string // the variable that needs a key
	switch {
	case !c.HubURL.IsZero():
		reason = hub
	case len(c.HubSites) > 0:
		reason = sites
	case l.gives(key):
		l.fault(key, "set, but neither "+l.name(hub, key)+" nor "+l.name(sites, key)+" is; it has no use")
		return
	}
	if reason != "" && len(c.HubKey) == 0 {
		l.fault(key, "not set, but "+l.name(reason)+" needs it: the key that a hub and its sites share; "+
			"make one with: wxgate keygen"+orFile(l.name(key, reason)), reason)
	}
}

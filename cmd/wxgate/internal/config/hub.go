package config

import "slices"

// hub wants a wxgate to be a hub, or to use one, or neither; and the key that
// tickets between the two are made with.
func (l *loader) hub(c *Config) {
	const hub, sites, key, public = "WXGATE_HUB_URL", "WXGATE_HUB_SITES", "WXGATE_HUB_KEY", "WXGATE_PUBLIC_URL"
	uses, is := !c.HubURL.IsZero(), len(c.HubSites) > 0
	switch {
	case !l.sound(hub, sites):
		return
	case uses && is:
		l.fault(hub, "set beside "+l.name(sites)+": a hub cannot send its visitors on to a hub; keep one of the two")
	case uses && l.sound(public) && c.HubURL == c.PublicURL:
		l.fault(hub, "the site's own "+l.name(public)+", so that visitors would go in circles; expected the origin of another wxgate")
	case is && l.sound(public) && slices.Contains(c.HubSites, c.PublicURL):
		l.fault(sites, c.PublicURL.String()+" is the hub's own "+l.name(public)+", which signs in without a ticket; leave it out")
	}
	switch {
	case uses && len(c.HubKey) == 0:
		l.hubKey(hub)
	case is && len(c.HubKey) == 0:
		l.hubKey(sites)
	case !uses && !is && l.gives(key):
		l.fault(key, "set, but neither "+l.name(hub, key)+" nor "+l.name(sites, key)+" is; there is nothing to use it for")
	}
}

// hubKey tells that the key is missing which another variable needs.
func (l *loader) hubKey(reason string) {
	const key = "WXGATE_HUB_KEY"
	l.fault(key, "not set, but "+l.name(reason)+" needs it: the key that a hub and its sites share; make one with: wxgate keygen; "+
		l.name(key, reason)+"_FILE may name a file that holds it", reason)
}

package wechattest

import "slices"

// accountCall makes the checks that the calls for messages, tags, menus and media
// share: token, right, quota.
func accountCall(x *transaction) (*account, *refusal) {
	a, refused := x.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	if !a.Verified {
		return nil, refuse(48001)
	}
	return a, x.countCall(a)
}

// accountJSON makes the checks of accountCall and decodes the body.
func accountJSON(x *transaction, into any) (*account, *refusal) {
	a, refused := accountCall(x)
	if refused != nil {
		return nil, refused
	}
	return a, x.decode(into)
}

// followerOf refuses an openid that is not that of one of the account's followers.
func (x *transaction) followerOf(a *account, openID string) *refusal {
	if _, synthetic := a.syntheticIndex(openID); synthetic {
		return nil
	}
	v := x.visitors.byOpenID(a.AppID, openID)
	if v == nil {
		for _, other := range x.accounts {
			if x.visitors.byOpenID(other.AppID, openID) != nil {
				return refuse(49003)
			}
		}
		return refuse(40003)
	}
	if _, follows := v.follows[a.AppID]; !follows {
		return refuse(40003)
	}
	return nil
}

// followersOf refuses a list of openids, at most so many, that are not all those
// of followers of the account.
func (x *transaction) followersOf(a *account, openIDs []string, most int) *refusal {
	if len(openIDs) == 0 || len(openIDs) > most {
		return refuse(40032)
	}
	for _, openID := range openIDs {
		if refused := x.followerOf(a, openID); refused != nil {
			return refused
		}
	}
	return nil
}

// openIDPage is a page of a list of openids.
type openIDPage struct {
	Total *int     `json:"total,omitempty"`
	Count int      `json:"count"`
	Data  *openIDs `json:"data,omitempty"`
	Next  string   `json:"next_openid"`
}

type openIDs struct {
	OpenID []string `json:"openid"`
}

// pageAfter returns the page of a list that begins after an openid, or with the
// first one if that is empty. The last page has no data.
func pageAfter(list []string, after string) (openIDPage, *refusal) {
	if after != "" {
		at := slices.Index(list, after)
		if at < 0 {
			return openIDPage{}, refuse(40003)
		}
		list = list[at+1:]
	}
	list = list[:min(len(list), followersPerPage)]
	if len(list) == 0 {
		return openIDPage{}, nil
	}
	return openIDPage{Count: len(list), Data: &openIDs{slices.Clone(list)}, Next: list[len(list)-1]}, nil
}

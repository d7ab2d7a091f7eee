package wechattest

import "slices"

// taggedBody is what batchtagging and batchuntagging are sent.
type taggedBody struct {
	OpenIDs []string `json:"openid_list"`
	TagID   int      `json:"tagid"`
}

// tagged makes the checks of both calls.
func tagged(x *transaction) (*account, taggedBody, *refusal) {
	var body taggedBody
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, body, refused
	}
	if a.tags.index(body.TagID) < 0 {
		return nil, body, refuse(45159)
	}
	return a, body, x.followersOf(a, body.OpenIDs, taggedAtOnce)
}

func tagMembers(x *transaction) (any, *refusal) {
	a, body, refused := tagged(x)
	if refused != nil {
		return nil, refused
	}
	members := a.tags.members[body.TagID]
	for _, openID := range body.OpenIDs {
		if slices.Contains(members, openID) {
			continue
		}
		if len(a.tags.of(openID)) >= tagsPerPerson {
			return nil, refuse(45059)
		}
		members = append(members, openID)
	}
	a.tags.members[body.TagID] = members
	return okBody, nil
}

func untagMembers(x *transaction) (any, *refusal) {
	a, body, refused := tagged(x)
	if refused != nil {
		return nil, refused
	}
	a.tags.members[body.TagID] = slices.DeleteFunc(a.tags.members[body.TagID], func(openID string) bool {
		return slices.Contains(body.OpenIDs, openID)
	})
	return okBody, nil
}

// tagsOfMember is cgi-bin/tags/getidlist.
func tagsOfMember(x *transaction) (any, *refusal) {
	var body struct {
		OpenID string `json:"openid"`
	}
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, refused
	}
	if refused := x.followerOf(a, body.OpenID); refused != nil {
		return nil, refused
	}
	return struct {
		IDs []int `json:"tagid_list"`
	}{a.tags.of(body.OpenID)}, nil
}

// membersOfTag is cgi-bin/user/tag/get.
func membersOfTag(x *transaction) (any, *refusal) {
	var body struct {
		TagID int    `json:"tagid"`
		After string `json:"next_openid"`
	}
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, refused
	}
	if a.tags.index(body.TagID) < 0 {
		return nil, refuse(45159)
	}
	page, refused := pageAfter(a.tags.members[body.TagID], body.After)
	if refused != nil {
		return nil, refused
	}
	return page, nil
}

// blacklist is cgi-bin/tags/members/getblacklist.
func blacklist(x *transaction) (any, *refusal) {
	var body struct {
		After string `json:"begin_openid"`
	}
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, refused
	}
	page, refused := pageAfter(a.tags.blocked, body.After)
	if refused != nil {
		return nil, refused
	}
	page.Total = new(len(a.tags.blocked))
	return page, nil
}

// blocked makes the checks of the two calls that change the blacklist.
func blocked(x *transaction) (*account, []string, *refusal) {
	var body struct {
		OpenIDs []string `json:"openid_list"`
	}
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, nil, refused
	}
	return a, body.OpenIDs, x.followersOf(a, body.OpenIDs, blockedAtOnce)
}

func block(x *transaction) (any, *refusal) {
	a, openIDs, refused := blocked(x)
	if refused != nil {
		return nil, refused
	}
	for _, openID := range openIDs {
		if !slices.Contains(a.tags.blocked, openID) {
			a.tags.blocked = append(a.tags.blocked, openID)
		}
	}
	return okBody, nil
}

func unblock(x *transaction) (any, *refusal) {
	a, openIDs, refused := blocked(x)
	if refused != nil {
		return nil, refused
	}
	a.tags.blocked = slices.DeleteFunc(a.tags.blocked, func(openID string) bool {
		return slices.Contains(openIDs, openID)
	})
	return okBody, nil
}

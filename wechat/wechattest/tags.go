package wechattest

import "slices"

// Rules of tags [WeChat's guide to user tags]. The ids below firstTagID are
// WeChat's own.
const (
	firstTagID     = 100
	starredTagID   = 2
	maxTags        = 100
	maxTagBytes    = 30
	tagsPerPerson  = 20
	taggedAtOnce   = 50
	blockedAtOnce  = 20
	systemTagsLast = 2
)

// tag is one tag of an account.
type tag struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// tags are an account's tags and who has them. Who has one is a follower.
type tags struct {
	list    []tag
	last    int              // number of tags made so far
	members map[int][]string // openids by tag, in the order of tagging
	blocked []string         // openids on the blacklist
}

func newTags() tags {
	return tags{list: []tag{{starredTagID, "星标组"}}, members: map[int][]string{}}
}

func (t *tags) index(id int) int {
	return slices.IndexFunc(t.list, func(one tag) bool { return one.ID == id })
}

// of are the ids of the tags that an openid has.
func (t *tags) of(openID string) []int {
	ids := []int{}
	for _, one := range t.list {
		if slices.Contains(t.members[one.ID], openID) {
			ids = append(ids, one.ID)
		}
	}
	return ids
}

// checkName refuses the name for the tag with an id.
func (t *tags) checkName(id int, name string) *refusal {
	taken := func(one tag) bool { return one.ID != id && one.Name == name }
	switch {
	case len(name) > maxTagBytes:
		return refuse(45158)
	case name == "", slices.ContainsFunc(t.list, taken):
		return refuse(45157)
	}
	return nil
}

// tagBody is what the calls that change one tag are sent.
type tagBody struct {
	Tag tag `json:"tag"`
}

func createTag(x *transaction) (any, *refusal) {
	var body tagBody
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, refused
	}
	if refused := a.tags.checkName(-1, body.Tag.Name); refused != nil {
		return nil, refused
	}
	if len(a.tags.list) > maxTags { // one is WeChat's own
		return nil, refuse(45056)
	}
	body.Tag.ID = firstTagID + a.tags.last
	a.tags.last++
	a.tags.list = append(a.tags.list, body.Tag)
	return body, nil
}

func listTags(x *transaction) (any, *refusal) {
	a, refused := accountCall(x)
	if refused != nil {
		return nil, refused
	}
	type counted struct {
		tag
		Count int `json:"count"`
	}
	var body struct {
		Tags []counted `json:"tags"`
	}
	for _, one := range a.tags.list {
		body.Tags = append(body.Tags, counted{one, len(a.tags.members[one.ID])})
	}
	return body, nil
}

// changedTag returns the tag of a call that changes it, and its place.
func changedTag(x *transaction) (*account, tag, int, *refusal) {
	var body tagBody
	a, refused := accountJSON(x, &body)
	if refused != nil {
		return nil, tag{}, 0, refused
	}
	i := a.tags.index(body.Tag.ID)
	switch {
	case body.Tag.ID >= 0 && body.Tag.ID <= systemTagsLast:
		return nil, tag{}, 0, refuse(45058)
	case i < 0:
		return nil, tag{}, 0, refuse(45159)
	}
	return a, body.Tag, i, nil
}

func renameTag(x *transaction) (any, *refusal) {
	a, changed, i, refused := changedTag(x)
	if refused != nil {
		return nil, refused
	}
	if refused := a.tags.checkName(changed.ID, changed.Name); refused != nil {
		return nil, refused
	}
	a.tags.list[i].Name = changed.Name
	return okBody, nil
}

func deleteTag(x *transaction) (any, *refusal) {
	a, changed, i, refused := changedTag(x)
	if refused != nil {
		return nil, refused
	}
	a.tags.list = slices.Delete(a.tags.list, i, i+1)
	delete(a.tags.members, changed.ID)
	return okBody, nil
}

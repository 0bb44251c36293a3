package scim

import (
	"context"
	"net/url"
	"strconv"

	"gatehouse/backend/source/scim/wire"
)

// searched is the body of a search (RFC 7644 section 3.4.3).
type searched struct {
	Schemas            []string
	Attributes         []string
	ExcludedAttributes []string
	Filter             string
	SortBy             string
	SortOrder          string
	StartIndex         *int
	Count              *int
}

const searchURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

func readSearch(body []byte) (url.Values, error) {
	var s searched
	if err := wire.Decode(body, &s); err != nil {
		return nil, err
	}
	if len(s.Schemas) > 0 && s.Schemas[0] != searchURN {
		return nil, wire.Bad(wire.InvalidSyntax, "The body says by its \"schemas\" that it is no %s.", searchURN)
	}
	v := url.Values{"filter": {s.Filter}, "sortBy": {s.SortBy}, "sortOrder": {s.SortOrder}, "attributes": s.Attributes, "excludedAttributes": s.ExcludedAttributes}
	for name, n := range map[string]*int{"startIndex": s.StartIndex, "count": s.Count} {
		if n != nil {
			v.Set(name, strconv.Itoa(*n))
		}
	}
	return v, nil
}

// search is a list whose question comes as a body, so that it stands in no log.
func (r *Room) search(ctx context.Context, a *asked, in *request, t *shelf) (answer, error) {
	v, err := readSearch(in.body)
	if err != nil {
		return answer{}, err
	}
	return r.resource(ctx, a, &request{method: "GET", path: "/" + t.endpoint, query: v, header: in.header}, t, "")
}

// searchAll looks at people first and then at groups. What only one of the two has, the other does not match.
func (r *Room) searchAll(ctx context.Context, a *asked, in *request) (answer, error) {
	v, err := readSearch(in.body)
	if err != nil {
		return answer{}, err
	}
	total, list, known := 0, []any{}, 0
	start, count := 1, maxResults
	var first error
	for _, t := range []*shelf{r.shelf("Users"), r.shelf("Groups")} {
		one := *a
		if one.question, err = t.question(v); err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		known++
		start, count = one.start, one.count
		one.start, one.count = max(start-total, 1), max(count-len(list), 0)
		n, items, err := t.list(ctx, &one)
		if err != nil {
			return answer{}, err
		}
		total += n
		for _, i := range items {
			list = append(list, t.shown(&one, i.resource()))
		}
	}
	if known == 0 {
		return answer{}, first
	}
	return answer{status: 200, body: map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": total, "startIndex": start, "itemsPerPage": len(list), "Resources": list,
	}}, nil
}

package signer

import "testing"

// Every request that a browser made for a page tells the page's URL, except
// where the document was not built for its own request.
func TestBrowsersSendTheURLThatTheyShow(t *testing.T) {
	direct := NewRules(nil, nil)
	equal, different := 0, 0
	for _, row := range browserRows(t) {
		page, err := direct.Page(row.request())
		switch {
		case err != nil:
			t.Errorf("%s (%s): %v", row.ID, row.Note, err)
		case row.Match:
			equal++
			if got := page.URL(); got != row.Href {
				t.Errorf("%s (%s):\n got %.300s\nwant %.300s", row.ID, row.Note, got, row.Href)
			}
		default:
			different++
			if page.URL() == row.Href {
				t.Errorf("%s (%s): the server can tell %s after all", row.ID, row.Note, row.Href)
			}
		}
	}
	if equal != 771 || different != 8 {
		t.Errorf("%d equal and %d different; want 771 and 8", equal, different)
	}
}

// What the page says about itself is signed as it says it.
func TestBrowsersURLsAreParsedUnchanged(t *testing.T) {
	parsed := 0
	for _, row := range browserRows(t) {
		page, err := ParseURL(row.Href + "#fragment")
		if err != nil {
			t.Errorf("%s (%s): %v", row.ID, row.Note, err)
			continue
		}
		if got := page.URL(); got != row.Href {
			t.Errorf("%s (%s):\n got %.300s\nwant %.300s", row.ID, row.Note, got, row.Href)
		}
		parsed++
	}
	if parsed != 779 {
		t.Errorf("%d URLs, want 779", parsed)
	}
}

// Behind anything that keeps the request target, the public origin is enough.
func TestBrowsersURLsWithAPublicOrigin(t *testing.T) {
	for _, row := range browserRows(t) {
		own, err := ParseURL(row.Href)
		if err != nil || !row.Match {
			continue
		}
		rules := NewRules([]Origin{own.Origin}, nil)
		page, err := rules.Page(Request{Host: "10.0.0.1:8080", Target: row.Target})
		if err != nil || page.URL() != row.Href {
			t.Errorf("%s (%s): %+.200v, %v", row.ID, row.Note, page, err)
		}
	}
}

package client

import "strconv"

// config are the members of dd.config that all pages of an app share.
func (a App) config() string {
	b := appendString([]byte(`"agentId":`), a.AgentID)
	b = appendString(append(b, `,"corpId":`...), a.CorpID)
	b = strconv.AppendInt(append(b, `,"type":`...), int64(a.Type), 10)
	b = append(b, `,"jsApiList":[`...)
	for i, name := range a.JSAPIList {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
	}
	b = append(b, ']')
	if a.AppID != "" {
		b = appendString(append(b, `,"appId":`...), a.AppID)
	}
	return string(b)
}

// tenant is ddSidecar.tenant up to what has named it.
func (a App) tenant() string {
	b := appendString([]byte(`{"agentId":`), a.AgentID)
	b = appendString(append(b, `,"corpId":`...), a.CorpID)
	return string(append(b, `,"by":`...))
}

// For returns a Renderer for another app of the same site. It is made anew for each page
// of a third-party app, whose corps are too many to keep one for each.
func (r *Renderer) For(a App) *Renderer {
	other := *r
	other.app, other.tenant = a.config(), a.tenant()
	return &other
}

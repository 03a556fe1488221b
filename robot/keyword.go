package robot

import "strings"

// A robot with 自定义关键词 takes messages only that have one of its keywords.

func (m Text) with(keyword string) Message {
	if !hasKeyword(keyword, m.Content) {
		m.Content = keyword + " " + m.Content
	}
	return m
}

func (m Markdown) with(keyword string) Message {
	if !hasKeyword(keyword, m.Title, m.Text) {
		m.Text = keyword + "\n\n" + m.Text
	}
	return m
}

func (m Link) with(keyword string) Message {
	if !hasKeyword(keyword, m.Title, m.Text) {
		m.Text = keyword + " " + m.Text
	}
	return m
}

func (m ActionCard) with(keyword string) Message {
	if !hasKeyword(keyword, m.Title, m.Text) {
		m.Text = keyword + "\n\n" + m.Text
	}
	return m
}

func (m FeedCard) with(keyword string) Message {
	for _, l := range m.Links {
		if hasKeyword(keyword, l.Title) {
			return m
		}
	}
	if len(m.Links) > 0 {
		m.Links = append([]FeedLink(nil), m.Links...)
		m.Links[0].Title = keyword + " " + m.Links[0].Title
	}
	return m
}

func hasKeyword(keyword string, texts ...string) bool {
	for _, text := range texts {
		if strings.Contains(text, keyword) {
			return true
		}
	}
	return false
}

package inject

import (
	"strings"
	"testing"
)

// mark stands in a document of a table for the place where the snippet goes. A
// document without it has none.
const mark = "¦"

// documents are the documents of the table, with the mark in its place.
var documents = map[string]string{
	// What most pages look like.
	"after head":                                `<!DOCTYPE html><html><head>` + mark + `<title>x</title></head><body></body></html>`,
	"after head with attributes":                `<!DOCTYPE html><html><head profile="a" data-x>` + mark + `<meta charset="utf-8">`,
	"after head on lines of their own":          "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n  <head>" + mark + "\n    <meta charset=\"utf-8\">\n",
	"after head with carriage returns":          "<!DOCTYPE html>\r\n<html>\r\n<head>" + mark + "\r\n<title></title>",
	"after head with form feeds and tabs":       "\f\t<html>\f\t<head\f>" + mark + "\f",
	"after head in capitals":                    "<!DOCTYPE HTML><HTML><HEAD\n>" + mark + "<TITLE>x</TITLE>",
	"after head in mixed letters":               `<hTmL><hEaD>` + mark,
	"after head that closes itself":             `<html><head/>` + mark + `<title>x</title>`,
	"after head that closes itself, spaced":     `<html><head />` + mark + `<title>x</title>`,
	"after the first of two heads":              `<head>` + mark + `<head><title>x</title>`,
	"after head without html":                   `<head>` + mark + `<title>x</title></head>x`,
	"after head with nothing behind":            `<head>` + mark,
	"after an empty head":                       `<html><head>` + mark + `</head><body>x`,
	"after head with > in double quotes":        `<head data-x=">">` + mark + `<title>x`,
	"after head with > in single quotes":        `<head data-x='<a b="c">'>` + mark + `<title>x`,
	"after head with quotes in an open value":   `<head data-x=a"b'c>` + mark + `">'>`,
	"after head with a quote as a name":         `<head ">` + mark + `">`,
	"after head with = as a name":               `<head =">` + mark + `">`,
	"after head with = twice":                   `<head a==">` + mark + `">`,
	"after head with a value after spaces":      "<head a\n=\n\">\">" + mark,
	"after head with a missing value":           `<head a=>` + mark + `">`,
	"after head with no space after a value":    `<head a="x"b=">">` + mark,
	"after head with slashes":                   `<head / / a=">"/>` + mark,
	"after head with the same attribute twice":  `<head a=1 a=">">` + mark,
	"after head of an html with > in quotes":    `<html data-x="<head>"><head>` + mark,
	"after head of an html with bad attributes": `<html <head><head>` + mark,

	// Where the parser implies head.
	"before title":                      `<!DOCTYPE html>` + mark + `<title>x</title><p>y`,
	"before title after white space":    "<!DOCTYPE html>\n\n" + mark + "<title>x</title>",
	"before body":                       `<html>` + mark + `<body>x</body></html>`,
	"before body after white space":     "<html>\n" + mark + "<body>x",
	"before meta":                       mark + `<meta charset="gbk"><p>x`,
	"before a script":                   `<!DOCTYPE html>` + mark + `<script>var head = "<head>"</script><head>`,
	"before header":                     `<!DOCTYPE html>` + mark + `<header>x</header>`,
	"before a custom element":           `<html>` + mark + `<head-x></head-x>`,
	"before a tag that begins so":       `<html>` + mark + `<headx>`,
	"before a head with a colon":        `<html>` + mark + `<head:x>`,
	"before a head with a NUL":          "<html>" + mark + "<head\x00>",
	"before an html with a hyphen":      mark + `<html-x><head>`,
	"before noscript":                   `<html>` + mark + `<noscript><img></noscript><head>`,
	"before template":                   mark + `<template><head></head></template>`,
	"before style":                      mark + `<style><head></style>`,
	"before textarea":                   mark + `<textarea><head></textarea>`,
	"before iframe":                     mark + `<iframe><head></iframe>`,
	"before plaintext":                  mark + `<plaintext><head>`,
	"before xmp":                        mark + `<xmp><head></xmp>`,
	"before svg":                        mark + `<svg><head></svg>`,
	"before math":                       mark + `<math><head>`,
	"before a frameset":                 `<html>` + mark + `<frameset cols="*"><frame src="a"></frameset></html>`,
	"before a frameset, with head":      `<html><head>` + mark + `</head><frameset><frame></frameset>`,
	"before base":                       mark + `<base href="/x/"><title>x`,
	"before link after a comment":       `<!-- x -->` + mark + `<link rel=a>`,
	"before image":                      mark + `<image>`,
	"before isindex":                    mark + `<isindex>`,
	"before an unfinished second tag":   mark + `<p><a`,
	"before a tag with an odd name":     mark + `<a<head>`,
	"before table in a quirky document": mark + `<p><table>`,

	// Text.
	"before text":                         mark + `hello`,
	"before text after a doctype":         `<!DOCTYPE html> ` + mark + `hello <head>`,
	"before text after html":              `<html> ` + mark + `hello`,
	"before < and a space":                mark + `< head>`,
	"before < and a digit":                mark + `<3 <head>`,
	"before < and <":                      mark + `<<head>`,
	"before < at the end":                 `<html>` + mark + `<`,
	"before </ at the end":                `<html>` + mark + `</`,
	"before an entity":                    mark + `&lt;head>`,
	"before an entity that is no space":   mark + `&nbsp;<head>`,
	"before half an entity":               mark + `&#3`,
	"before an ampersand":                 mark + `&`,
	"nowhere behind an entity of a space": `&#32;<head data-x>`,
	"nowhere behind an entity of a tab":   `<html>&Tab;<head data-x>`,
	"nowhere behind an open entity":       `<html> &#x0a<head data-x>`,
	"nowhere behind one with many zeros":  `&#0000000000000000032;<head data-x>`,
	"nowhere behind one in many digits":   `<html>&#x00000000000000000041;<head>`,
	"before a no-break space":             "<html>" + mark + "\u00a0<head>",
	"before an ideographic space":         "<html>" + mark + "\u3000<head>",
	"before a vertical tab":               "<html>" + mark + "\v<head>",
	"before a NUL":                        "<html>" + mark + "\x00<head>",
	"before a NUL that comes first":       mark + "\x00<head>",
	"before >":                            mark + `><head>`,
	"before GBK text":                     "<html>" + mark + "\xc4\xe3\xba\xc3<head>",
	"before GBK text with ASCII trails":   "<!-- \x81\x5c\x81\x7c -->" + mark + "\x81\x40<head>",
	"before Big5 text":                    mark + "\xa7\x41\xa6\x6e<head>",
	"before Shift_JIS text":               mark + "\x83\x5c\x83\x7d\x81\x5e<head>",
	"before GB18030 of four bytes":        mark + "\x81\x30\x81\x30<head>",
	"after head with a GBK attribute":     "<head title=\"\xc4\xe3>\xba\xc3\">" + mark + "x",
	"after head with a Shift_JIS name":    "<head \x83\x5c=x>" + mark + "x",
	"after head with an open GBK value":   "<head title=\x81\x5c>" + mark + "x",
	"after head with a Big5 comment":      "<!--\xa6\x5c\xa5\x5c--><head>" + mark,
	"before bytes that are no character":  mark + "\xff\x00\xfe",

	// Comments.
	"after head behind a comment":               `<!-- <head> --><head>` + mark,
	"after head behind comments everywhere":     `<!--a--><!DOCTYPE html><!--b--><html><!--c--><head>` + mark + `<!--d-->`,
	"after head behind an empty comment":        `<!----><head>` + mark,
	"after head behind <!-->":                   `<!--><head>` + mark + `-->`,
	"after head behind <!--->":                  `<!---><head>` + mark + `-->`,
	"after head behind --!>":                    `<!-- x --!><head>` + mark + `-->`,
	"after head behind <!----!>":                `<!----!><head>` + mark + `-->`,
	"after head behind a comment with --":       `<!-- a -- b --> <head>` + mark,
	"after head behind a comment with --->":     `<!-- a ---><head>` + mark,
	"after head behind a comment with ----!>":   `<!-- a ----!><head>` + mark,
	"after head behind a comment with --! x":    `<!-- --! x --><head>` + mark,
	"after head behind a comment with --!-->":   `<!-- --!--><head>` + mark,
	"after head behind a comment with -!>":      `<!-- -!> <head> --><head>` + mark,
	"after head behind <!--!> that goes on":     `<!--!> <head> --><head>` + mark,
	"after head behind <!---!> that goes on":    `<!---!> <head> --><head>` + mark,
	"after head behind <!--- that goes on":      `<!--- <head> --><head>` + mark,
	"after head behind a comment with <!--":     `<!-- <!-- <head> --><head>` + mark,
	"after head behind a comment with quotes":   `<!-- "--><head>` + mark + `">`,
	"after head behind conditional comments":    "<!--[if lt IE 9]><html class=ie><head><![endif]--><!--[if gt IE 8]><!--><html><!--<![endif]--><head>" + mark,
	"after head behind a revealed condition":    `<![if !IE]><html><![endif]><head>` + mark,
	"after head behind a condition with >":      `<![if gt IE 8]><head>` + mark + `<![endif]>`,
	"after head behind a processing step":       `<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html><head>` + mark,
	"after head behind php that ends at once":   `<?php ?><head>` + mark,
	"before what is left of php":                `<?php if (a > ` + mark + `b) ?><head>`,
	"after head behind <?>":                     `<?><head>` + mark,
	"after head behind <!>":                     `<!><head>` + mark,
	"after head behind <!->":                    `<!-><head>` + mark + `-->`,
	"after head behind CDATA":                   `<![CDATA[x]]><head>` + mark,
	"before what is left of CDATA":              `<![CDATA[<a>` + mark + `]]><head>`,
	"after head behind </>":                     `</><head>` + mark,
	"after head behind </ and a space":          `</ head><head>` + mark,
	"after head behind </ and a digit":          `</3 "><head>` + mark + `">`,
	"after head behind </!":                     `</!--><head>` + mark + `-->`,
	"at the end of a comment":                   `<!-- x -->` + mark,
	"at the end of white space after a comment": "<!-- x -->\n" + mark,

	// Doctypes.
	"after head behind a public doctype":          `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head>` + mark,
	"after head behind the legacy doctype":        `<!doctype html SYSTEM 'about:legacy-compat'><head>` + mark,
	"after head behind two doctypes":              `<!DOCTYPE html><!DOCTYPE x><head>` + mark,
	"after head behind a doctype after html":      `<html><!DOCTYPE html><head>` + mark,
	"after head behind a doctype without a name":  `<!DOCTYPE><head>` + mark,
	"after head behind a doctype without a space": `<!DOCTYPEhtml><head>` + mark,
	"after head behind a doctype after a comment": `<!-- saved from url=(0014)about:internet --><!DOCTYPE html><head>` + mark,
	"after head behind an abrupt public doctype":  `<!DOCTYPE html PUBLIC "-//W3C><head>` + mark + `//EN">`,
	"after head behind an abrupt system doctype":  `<!DOCTYPE html SYSTEM 'x><head>` + mark + `'>`,
	"after head behind a doctype with a subset":   `<!DOCTYPE html [<!ENTITY a "b">` + mark + `]><head>`,
	"after head behind an unknown declaration":    `<!ELEMENT br EMPTY><head>` + mark,
	"after head behind half a doctype":            `<!DOC><head>` + mark,
	"at the end of a doctype":                     `<!DOCTYPE html>` + mark,
	"at the end of html":                          `<!DOCTYPE html><html>` + mark,

	// End tags.
	"before the end of head":                   `<html>` + mark + `</head><body>`,
	"before the end of body":                   mark + `</body>`,
	"before the end of html":                   `<!DOCTYPE html>` + mark + `</html>`,
	"before the end of html, which has begun":  `<html>` + mark + `</html><head>`,
	"before the end of br":                     mark + `</br><head>`,
	"before the end of body with attributes":   mark + `</BODY a=">">`,
	"after head behind ends of others":         `</p></div></title></script><html></header></headx><head>` + mark,
	"after head behind an end with attributes": `</p a=">"><head>` + mark,
	"at the end of ends":                       `</p></div>` + mark,

	// html more than once.
	"after head behind html twice":          `<html><html lang="zh"><head>` + mark,
	"after head behind html that closes":    `<html/><head>` + mark,
	"before body behind html, comment":      `<html><!-- x --> ` + mark + `<body>`,
	"after head behind html, a comment":     `<html><!-- x --> <head a="b">` + mark + ` <!-- y --> <title>`,
	"after head with white space before it": `<html> ` + "\n" + `<head data-h="1">` + mark,

	// Byte order marks.
	"after head behind a byte order mark":   "\ufeff<!DOCTYPE html><head>" + mark,
	"behind a byte order mark":              "\ufeff" + mark + "<p>x",
	"between two byte order marks":          "\ufeff" + mark + "\ufeff<!DOCTYPE html><head>",
	"behind a byte order mark alone":        "\ufeff" + mark,
	"before a byte order mark that is late": " " + mark + "\ufeff<head>",
	"before half a byte order mark":         mark + "\xef\xbb<head>",
	"before the start of one":               mark + "\xef",
	"nowhere in UTF-16, big end first":      "\xfe\xff\x00<\x00h\x00e\x00a\x00d\x00>",
	"nowhere in UTF-16, little end first":   "\xff\xfe<\x00h\x00e\x00a\x00d\x00>\x00",
	"nowhere in UTF-32, big end first":      "\x00\x00\xfe\xff\x00\x00\x00<",
	"nowhere in UTF-32, little end first":   "\xff\xfe\x00\x00<\x00\x00\x00",
	"nowhere in UTF-16 that xml declares":   "<\x00?\x00x\x00m\x00l\x00?\x00>\x00<\x00p\x00>\x00",
	"nowhere in UTF-16BE that xml declares": "\x00<\x00?\x00x\x00m\x00l\x00?\x00>\x00<\x00p\x00>",
	"nowhere behind a mark alone":           "\xff\xfe",
	"before half of one":                    mark + "\xfe",

	// Ends.
	"at the end of white space":       " \n\t" + mark,
	"at the end of nothing":           mark,
	"nowhere in an open comment":      `<!-- <head>`,
	"nowhere in a comment at --":      `<head-x`,
	"nowhere in an open comment, --":  `<!-- x --`,
	"nowhere in an open comment, --!": `<!-- x --!`,
	"nowhere in <!--":                 `<!--`,
	"nowhere in <!-":                  `<!-`,
	"nowhere in <!":                   `<!`,
	"nowhere in an open doctype":      `<!DOCTYPE html`,
	"nowhere in half a doctype":       `<!DOCT`,
	"nowhere in an open instruction":  `<?xml`,
	"nowhere in an open end tag":      `</p`,
	"nowhere in an open bogus end":    `</ p`,
	"nowhere in an open head":         `<html><head`,
	"nowhere in an open attribute":    `<html><head a="></head>`,
	"nowhere in an open html":         `<html lang="zh`,
	"nowhere in an open first tag":    `<!DOCTYPE html><p class=x`,
}

func unmark(doc string) (b []byte, pos int) {
	before, after, ok := strings.Cut(doc, mark)
	if !ok {
		return []byte(doc), -1
	}
	return []byte(before + after), len(before)
}

// place returns the place in a whole document, or -1.
func place(doc []byte) int {
	pos, f := new(search).next(doc, true)
	if f != found {
		return -1
	}
	return pos
}

// placeInPieces looks for the place as a Writer does while the document arrives
// in pieces that end at these offsets.
func placeInPieces(doc []byte, ends ...int) int {
	var s search
	pos, f := 0, needMore
	for _, end := range ends {
		if pos, f = s.next(doc[:end], false); f != needMore {
			break
		}
	}
	if f == needMore {
		pos, f = s.next(doc, true)
	}
	if f != found {
		return -1
	}
	return pos
}

func TestThePlaceIsBeforeAnyScriptAndInHead(t *testing.T) {
	for name, doc := range documents {
		t.Run(name, func(t *testing.T) {
			b, want := unmark(doc)
			if got := place(b); got != want {
				t.Errorf("the place in %q is %d, want %d", b, got, want)
			}
		})
	}
}

func TestThePlaceDoesNotDependOnHowTheDocumentArrives(t *testing.T) {
	for name, doc := range documents {
		t.Run(name, func(t *testing.T) {
			b, want := unmark(doc)
			each := make([]int, len(b))
			for i := range b {
				each[i] = i + 1
				if got := placeInPieces(b, i); got != want {
					t.Errorf("in two pieces, split at %d: %d, want %d", i, got, want)
				}
			}
			if got := placeInPieces(b, each...); got != want {
				t.Errorf("byte by byte: %d, want %d", got, want)
			}
		})
	}
}

func TestAPlaceThatIsKnownIsNotWaitedFor(t *testing.T) {
	for name, doc := range map[string]string{
		"head is complete":        "<!DOCTYPE html><html><head>" + mark,
		"another tag is complete": "<html>" + mark + "<body>",
		"text has begun":          "<html>" + mark + "h",
		"the end of html":         mark + "</html>",
	} {
		t.Run(name, func(t *testing.T) {
			b, want := unmark(doc)
			if pos, f := new(search).next(b, false); f != found || pos != want {
				t.Errorf("%d, finding %d, want %d, found", pos, f, want)
			}
		})
	}
}

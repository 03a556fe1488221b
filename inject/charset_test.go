package inject

import (
	"net/http"
	"strings"
	"testing"
)

func TestMetaCharsetReadsWhatBrowsersRead(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"a charset":                               {`<meta charset="gbk">`, "gbk"},
		"a charset without quotes":                {`<meta charset=gbk>`, "gbk"},
		"a charset with a slash at its end":       {`<meta charset=gbk/>`, ""},
		"a charset with spaces around":            {`<meta charset=" gbk ">`, "gbk"},
		"capitals":                                {`<META CHARSET="GBK">`, "gbk"},
		"the older form":                          {`<meta http-equiv="Content-Type" content="text/html; charset=gb2312">`, "gb2312"},
		"the older form, content first":           {`<meta content="text/html;charset=gb2312" http-equiv=content-type>`, "gb2312"},
		"the older form without a semicolon":      {`<meta http-equiv=content-type content="text/html charset=gb2312">`, "gb2312"},
		"the older form with a comma":             {`<meta http-equiv=content-type content="text/html,charset=gb2312">`, "gb2312"},
		"the older form with nothing but charset": {`<meta http-equiv=content-type content="charset=gb2312">`, "gb2312"},
		"the older form with spaces around =":     {`<meta http-equiv=content-type content="text/html; charset = gb2312 ; x">`, "gb2312"},
		"the older form, label in quotes":         {`<meta http-equiv=content-type content="text/html; charset='gb2312'">`, "gb2312"},
		"the older form, charset as a word first": {`<meta http-equiv=content-type content="charset text/html; charset=gb2312">`, "gb2312"},
		"the older form, label in an open quote":  {`<meta http-equiv=content-type content="text/html; charset='gb2312">`, ""},
		"the older form without http-equiv":       {`<meta content="text/html; charset=gb2312">`, ""},
		"another http-equiv":                      {`<meta http-equiv=refresh content="0;url=?charset=gbk">`, ""},
		"both forms: charset decides":             {`<meta http-equiv=content-type content="text/html; charset=big5" charset=gbk>`, "gbk"},
		"the first of two charsets in an element": {`<meta charset=gbk charset=big5>`, "gbk"},
		"the first of two elements":               {`<meta charset=gbk><meta charset=big5>`, "gbk"},
		"an element that declares none first":     {`<meta name=viewport content="charset=big5"><meta charset=gbk>`, "gbk"},
		"an empty charset first":                  {`<meta charset=""><meta charset=gbk>`, "gbk"},
		"UTF-16 that can be read is UTF-8":        {`<meta charset=utf-16le>`, "utf-8"},
		"UTF-16 by its other names":               {`<meta charset=unicode>`, "utf-8"},
		"x-user-defined":                          {`<meta charset=x-user-defined>`, "windows-1252"},
		"a charset in a comment":                  {`<!-- <meta charset=gbk> -->`, ""},
		"a charset in a title":                    {`<title><meta charset=gbk></title>`, ""},
		"a charset in another element":            {`<script charset=gbk></script>`, ""},
		"a charset after other elements":          {`<x-foo></x-foo><p><meta charset=gbk>`, "gbk"},
		"a label that would break the header":     {"<meta charset=\"gbk; x=\r\ny\">", ""},
		"a label with quotes":                     {`<meta charset='"gbk"'>`, ""},
		"a byte order mark decides":               {"\ufeff<meta charset=gbk>", ""},
		"an element that ends at byte 1024":       {strings.Repeat(" ", 1024-18) + `<meta charset=gbk>`, "gbk"},
		"an element that ends behind byte 1024":   {strings.Repeat(" ", 1024-17) + `<meta charset=gbk>`, ""},
		"none":                                    {`<title>x</title>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := metaCharset([]byte(c.doc)); got != c.want {
				t.Errorf("metaCharset(%q) = %q, want %q", c.doc, got, c.want)
			}
		})
	}
}

func TestTheCorpusDeclaresItsCharsets(t *testing.T) {
	want := map[string]string{
		"big5.html": "big5", "discuz-gbk.html": "gbk", "jquery-gbk.html": "gbk", "gb2312-frontpage.html": "gb2312",
		"gb18030-four-bytes.html": "gb18030", "shift-jis.html": "shift_jis", "euc-kr.html": "euc-kr", "iso-2022-jp.html": "iso-2022-jp",
		"windows-1251.html": "windows-1251", "iis-403.html": "gb2312", "word-saved.html": "gb2312", "meta-in-body.html": "gbk", "meta-late.html": "gbk",
		"utf8-mark.html": "", "nginx-404.html": "",
	}
	docs := corpus(t)
	for name, label := range want {
		if got := metaCharset(docs[name]); got != label {
			t.Errorf("%s: %q, want %q", name, got, label)
		}
	}
}

func TestInsertableRefusesWhatIsNotASCII(t *testing.T) {
	for label, want := range map[string]bool{
		"": true, "utf-8": true, "UTF8": true, "unicode-1-1-utf-8": true, "unicode11utf8": true, "unicode20utf8": true, "x-unicode20utf8": true,
		"gbk": true, "GB2312": true, "gb18030": true, "big5": true, "big5-hkscs": true, "shift_jis": true, "euc-jp": true, "euc-kr": true,
		"windows-1252": true, "iso-8859-1": true, "koi8-r": true, "macintosh": true, "x-user-defined": true,
		"utf-16": false, "UTF-16LE": false, "utf-16be": false, "utf-32": false, "utf16": false, "ucs-2": false, "unicode": false, "unicodefeff": false,
		"unicodefffe": false, "csunicode": false, "iso-10646-ucs-2": false, "utf-7": false, "hz-gb-2312": false,
		"iso-2022-jp": false, "ISO-2022-KR": false, "iso-2022-cn-ext": false, "csiso2022jp": false, "csiso2022kr": false,
	} {
		if got := insertable(label); got != want {
			t.Errorf("insertable(%q) = %t", label, got)
		}
	}
}

func TestTheContentTypeNamesTheCharsetOnlyWhereMetaDoes(t *testing.T) {
	for name, c := range map[string]struct{ contentType, doc, want string }{
		"meta declares it":                 {"text/html", `<head><meta charset=gbk>`, "text/html; charset=gbk"},
		"meta declares it in capitals":     {"TEXT/HTML", `<head><meta charset=GBK>`, "TEXT/HTML; charset=gbk"},
		"the header declares it":           {"text/html; charset=utf-8", `<head><meta charset=gbk>`, "text/html; charset=utf-8"},
		"the header's charset is empty":    {"text/html; charset=", `<head><meta charset=gbk>`, "text/html; charset=; charset=gbk"},
		"the header has another parameter": {"text/html; x=y", `<head><meta charset=gbk>`, "text/html; x=y; charset=gbk"},
		"nobody declares it":               {"text/html", `<head>`, "text/html"},
		"a byte order mark does":           {"text/html", "\ufeff<head><meta charset=gbk>", "text/html"},
	} {
		t.Run(name, func(t *testing.T) {
			s := through(t, http.Header{"Content-Type": {c.contentType}}, [][]byte{[]byte(c.doc)}, false)
			if got := s.header.Get("Content-Type"); got != c.want {
				t.Errorf("Content-Type %q, want %q", got, c.want)
			}
			if !strings.Contains(string(s.body), snippet) {
				t.Errorf("no snippet in %q", s.body)
			}
		})
	}
}

func TestAPageThatSwitchesBetweenCharsetsIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct{ contentType, doc string }{
		"by its meta":        {"text/html", string(corpus(t)["iso-2022-jp.html"])},
		"by its header":      {"text/html; charset=ISO-2022-JP", "<head>"},
		"UTF-16 by header":   {`text/html; charset="utf-16"`, "<head>"},
		"HZ by header":       {"text/html;charset=hz-gb-2312", "<head>"},
		"UTF-16 by its mark": {"text/html; charset=utf-8", string(corpus(t)["utf16le.html"])},
	} {
		t.Run(name, func(t *testing.T) {
			s := through(t, http.Header{"Content-Type": {c.contentType}}, [][]byte{[]byte(c.doc)}, false)
			if string(s.body) != c.doc || len(s.header) != 1 || s.header.Get("Content-Type") != c.contentType {
				t.Errorf("%q, header %v", s.body, s.header)
			}
		})
	}
}

// TestAPlainMetaIsReadAsTheTokenizerReadsIt compares both, with a comment in front of
// the document for the tokenizer's sake.
func TestAPlainMetaIsReadAsTheTokenizerReadsIt(t *testing.T) {
	plain := 0
	for _, begin := range []string{"<!DOCTYPE html><html><head>", "<head>\n  ", "<!-- --><head>", "<head><title></title>", ""} {
		for _, meta := range []string{
			`<meta charset="utf-8">`, `<META CHARSET="UTF-8" />`, `<meta charset="utf-8"/>`, `<meta charset=utf-8>`, `<meta charset=utf-8 >`, `<meta charset=utf-8 />`, `<meta charset=utf-8/>`,
			`<meta charset="utf-8`, `<meta charset="utf-8" x>`, `<meta charset="utf-8"x>`, `<meta charset=utf-81>`, `<meta charset='utf-8'>`, `<meta charset="utf-8-x">`, `<meta charset="gbk">`, `<metacharset="utf-8">`, ``,
		} {
			doc := []byte(begin + meta)
			if firstIsUTF8(doc) {
				plain++
			}
			if got, want := metaCharset(doc), metaCharset(append([]byte("<!-- x -->"), doc...)); got != want {
				t.Errorf("%q: %q, the tokenizer says %q", doc, got, want)
			}
		}
	}
	if plain < 10 {
		t.Errorf("only %d are plain", plain)
	}
}

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
			if got := declaredIn([]byte(c.doc)); got != c.want {
				t.Errorf("declaredIn(%q) = %q, want %q", c.doc, got, c.want)
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
		if got := declaredIn(docs[name]); got != label {
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

// declaredIn is what metaCharset says of a document.
func declaredIn(b []byte) string {
	if pos, ok := plainHead(b); ok {
		return metaCharset(b, pos)
	}
	return metaCharset(b, -1)
}

// plainCharsets are documents whose charset is told without the tokenizer, and others
// that look alike.
func plainCharsets() (docs []string) {
	for _, begin := range []string{
		"<!DOCTYPE html><html><head>", "<head>\n  ", "<!DOCTYPE html>\n<html lang=en>\n<head>", "<head><title>x &amp; y</title>", "<head><title></title >", "<head><title><meta charset=gbk></title>",
		"<head><meta name=viewport content='width=device-width, initial-scale=1'/><LINK rel=icon href=/a.png>", `<head><link rel="icon" href="a&b"/>`, "<head><link href=a/b>", "<head><script></script>", "<!-- --><head>", "",
	} {
		for _, meta := range []string{
			`<meta charset="utf-8">`, `<META CHARSET="UTF-8" />`, `<meta charset="utf-8"/>`, `<meta charset=utf-8>`, `<meta charset=utf-8 >`, `<meta charset=utf-8 />`, `<meta charset=utf-8/>`,
			`<meta charset="utf-8`, `<meta charset="utf-8" x>`, `<meta charset="utf-8"x>`, `<meta charset=utf-81>`, `<meta charset='utf-8'>`, `<meta charset="utf-8-x">`, `<meta charset="gbk">`, `<metacharset="utf-8">`, ``,
			`<meta charset=" utf-8 ">`, `<meta charset="utf&#45;8">`, "<meta charset=\"utf-8\r\">", "<meta charset=\"utf\x00-8\">", `<meta charset=gbk charset=utf-8>`, `<meta charset="">`, `<meta charset>`, `<meta/charset=gbk>`,
			`<meta http-equiv="Content-Type" content="text/html; charset=gb2312">`, `<meta content="text/html; charset=GBK" http-equiv=content-type />`, `<meta http-equiv=refresh content="charset=gbk">`,
			`<meta http-equiv=content-type http-equiv=refresh content="charset=gbk">`, `<meta charset=utf-16>`, `<meta charset="Koi8-r">`, `<meta a:b=c charset=big5>`, `<meta charset = gbk>`,
		} {
			docs = append(docs, begin+meta, begin+meta+"<meta charset=koi8-r><body>", begin+meta+strings.Repeat(" ", prescanLength))
		}
	}
	return docs
}

func TestThePlainCharsetIsTheTokenizers(t *testing.T) {
	plain := 0
	for _, doc := range plainCharsets() {
		if proveCharset(t, []byte(doc)) {
			plain++
		}
	}
	if plain < 250 {
		t.Errorf("only %d are plain", plain)
	}
	for _, doc := range corpus(t) {
		proveCharset(t, doc)
	}
}

// proveCharset proves that the short way, if it is one for a document, finds what the
// tokenizer finds.
func proveCharset(t *testing.T, b []byte) (plain bool) {
	t.Helper()
	scanned := b[:min(len(b), prescanLength)]
	want := tokenizedCharset(scanned)
	if pos, ok := plainHead(b); ok && pos <= len(scanned) {
		var got string
		if got, plain = plainCharset(scanned[pos:]); plain && got != want {
			t.Fatalf("%q: %q, the tokenizer says %q", b, got, want)
		}
	}
	if got := declaredIn(b); got != want && !strings.HasPrefix(string(b), utf8BOM) {
		t.Fatalf("%q: %q, the tokenizer says %q", b, got, want)
	}
	return plain
}

func FuzzCharset(f *testing.F) {
	for _, doc := range plainCharsets() {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		proveCharset(t, b)
		proveCharset(t, append([]byte("<head>"), b...))
	})
}

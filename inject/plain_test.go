package inject

import "testing"

// FuzzPlainHead proves that the short way finds what the tokenizer finds.
func FuzzPlainHead(f *testing.F) {
	for _, s := range []string{
		"<!DOCTYPE html>\n<html lang=\"zh\">\n<head>",
		"<html a=b=\"c>d\"><head>",
		"<html =\"\"><head>",
		"<html a='x'b><head>",
		"<html/><head>",
		"<html a \"b=\"c>\"><head>",
		"<html a=\"x\"\"><head>",
		"<html\x00><head>",
		"<html lang=en><head>",
		"<html lang=en/><head>",
		"<html lang=zh-CN class=a.b />\n<head>",
		"<html lang= ><head>",
		"<html lang=en\"><head>",
		"<html =\"0>0\"><head>",
		"<!doctype html \"><head>\"><HTML ><HEAD>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		pos, ok := plainHead(b)
		if !ok {
			return
		}
		if got, result := tokenize(b); result != found || got != pos {
			t.Fatalf("%q: plainHead says %d, the tokenizer %d (%v)", b, pos, got, result)
		}
	})
}

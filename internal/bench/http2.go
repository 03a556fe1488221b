package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Conn speaks HTTP/2, one stream after the other.
type http2Conn struct {
	net.Conn
	out    *bufio.Writer
	frames *http2.Framer
	block  bytes.Buffer
	encode *hpack.Encoder
	decode *hpack.Decoder
	fields []hpack.HeaderField // :path is the first
	status string              // of the answer that is read
	stream uint32              // the last one
}

// window is what each stream may send before it is told that it may send more: all of
// a page.
const window = 1 << 30

func dialHTTP2(p *process, header []string) (connection, error) {
	conn, err := p.dial("h2")
	if err != nil {
		return nil, err
	}
	c := &http2Conn{Conn: conn, out: bufio.NewWriter(conn), fields: []hpack.HeaderField{
		{Name: ":path", Sensitive: true}, // as browsers do not index it, either
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: p.host()},
	}}
	c.frames = http2.NewFramer(c.out, bufio.NewReaderSize(conn, 64<<10))
	c.frames.SetReuseFrames()
	c.encode = hpack.NewEncoder(&c.block)
	c.decode = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			c.status = f.Value
		}
	})
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		c.fields = append(c.fields, hpack.HeaderField{Name: strings.ToLower(name), Value: value})
	}
	_, _ = io.WriteString(c.out, http2.ClientPreface)
	_ = c.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}, http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	_ = c.frames.WriteWindowUpdate(0, window)
	c.stream = ^uint32(0) // 1 is the first
	return c, c.out.Flush()
}

func (c *http2Conn) get(target string) error {
	c.stream += 2
	c.block.Reset()
	c.fields[0].Value = target
	for _, f := range c.fields {
		_ = c.encode.WriteField(f)
	}
	err := c.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
	if err == nil {
		err = c.out.Flush()
	}
	for size := uint32(0); err == nil; {
		var f http2.Frame
		if f, err = c.frames.ReadFrame(); err != nil {
			break
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = c.frames.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				err = c.frames.WritePing(true, f.Data)
			}
		case *http2.HeadersFrame:
			if _, err = c.decode.Write(f.HeaderBlockFragment()); err == nil && c.status != "200" {
				err = fmt.Errorf("the proxy answers %s", c.status)
			}
		case *http2.DataFrame:
			if size += f.Length; f.StreamEnded() {
				return c.frames.WriteWindowUpdate(0, size) // goes out with the next request
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			err = fmt.Errorf("the proxy answers %v", f)
		}
	}
	return err
}

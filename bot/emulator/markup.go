package emulator

import (
	"cmp"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// entity is a Telegram MessageEntity; offset and length count UTF-16 units.
type entity struct {
	Type     string `json:"type"`
	Offset   int    `json:"offset"`
	Length   int    `json:"length"`
	URL      string `json:"url,omitempty"`
	Language string `json:"language,omitempty"`
	EmojiID  string `json:"custom_emoji_id,omitempty"`
	User     *user  `json:"user,omitempty"`
	UnixTime int64  `json:"unix_time,omitempty"`
	Format   string `json:"date_time_format,omitempty"`
}

// htmlTags are the tags of Telegram's HTML mode and the entities they make.
// Source: Telegram Bot API, "HTML style".
var htmlTags = map[string]string{
	"b": "bold", "strong": "bold",
	"i": "italic", "em": "italic",
	"u": "underline", "ins": "underline",
	"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
	"span": "spoiler", "tg-spoiler": "spoiler",
	"a": "text_link", "code": "code", "pre": "pre",
	"blockquote": "blockquote", "tg-emoji": "custom_emoji", "tg-time": "date_time",
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

func cantParse(format string, args ...any) *apiError {
	return badRequest("can't parse entities: "+format, args...)
}

// parser reads Telegram's HTML. It is stricter in one thing: a bare & is an
// error here, because it means that somebody forgot to escape.
type parser struct {
	src  string
	at   int
	out  strings.Builder
	size int // UTF-16 units written
	open []openTag
	done []entity
}

type openTag struct {
	name string
	e    entity
	skip bool // the tag makes no entity
}

// parseHTML turns markup into text and entities.
func parseHTML(src string) (string, []entity, error) {
	p := &parser{src: src}
	for p.at < len(src) {
		var err error
		switch src[p.at] {
		case '<':
			err = p.tag()
		case '&':
			var r rune
			if r, err = p.reference(); err == nil {
				p.write(r)
			}
		default:
			r, n := utf8.DecodeRuneInString(src[p.at:])
			p.at += n
			p.write(r)
		}
		if err != nil {
			return "", nil, err
		}
	}
	if n := len(p.open); n > 0 {
		return "", nil, cantParse("Can't find end tag corresponding to start tag %q", p.open[n-1].name)
	}
	text, entities := trimText(p.out.String(), p.done)
	return text, entities, nil
}

func (p *parser) write(r rune) {
	p.out.WriteRune(r)
	p.size++
	if r > 0xFFFF {
		p.size++
	}
}

// reference reads &name; or &#number; at the current place.
func (p *parser) reference() (rune, error) {
	rest := p.src[p.at:]
	end := strings.IndexByte(rest, ';')
	if end < 0 || end > 10 {
		return 0, cantParse("Unescaped \"&\" at byte offset %d", p.at)
	}
	name := rest[1:end]
	var r rune
	switch name {
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "amp":
		r = '&'
	case "quot":
		r = '"'
	default:
		number, ok := strings.CutPrefix(name, "#")
		if !ok {
			return 0, cantParse("Unsupported HTML entity \"&%s;\" at byte offset %d", name, p.at)
		}
		base := 10
		if hex, ok := strings.CutPrefix(strings.ToLower(number), "x"); ok {
			number, base = hex, 16
		}
		n, err := strconv.ParseInt(number, base, 32)
		if err != nil || n <= 0 || !utf8.ValidRune(rune(n)) {
			return 0, cantParse("Unsupported HTML entity \"&%s;\" at byte offset %d", name, p.at)
		}
		r = rune(n)
	}
	p.at += end + 1
	return r, nil
}

func (p *parser) tag() error {
	start := p.at
	if strings.HasPrefix(p.src[p.at:], "</") {
		end := strings.IndexByte(p.src[p.at:], '>')
		if end < 0 {
			return cantParse("Unclosed end tag at byte offset %d", start)
		}
		name := strings.ToLower(strings.TrimSpace(p.src[p.at+2 : p.at+end]))
		p.at += end + 1
		return p.closeTag(name, start)
	}
	p.at++
	name := strings.ToLower(p.word(" \t\r\n>/="))
	if p.at >= len(p.src) {
		return cantParse("Unclosed start tag at byte offset %d", start)
	}
	kind, ok := htmlTags[name]
	if !ok {
		return cantParse("Unsupported start tag %q at byte offset %d", name, start)
	}
	attributes, err := p.attributes(name, start)
	if err != nil {
		return err
	}
	t := openTag{name: name, e: entity{Type: kind, Offset: p.size}}
	switch name {
	case "span":
		if attributes["class"] != "tg-spoiler" {
			return cantParse("Tag \"span\" must have class \"tg-spoiler\" at byte offset %d", start)
		}
	case "a":
		if attributes["href"] == "" {
			return cantParse("Tag \"a\" must have the attribute \"href\" at byte offset %d", start)
		}
		t.e.URL, t.skip = attributes["href"], !linkable(attributes["href"])
	case "pre":
		t.e.Language = strings.TrimPrefix(attributes["class"], "language-")
	case "code":
		if n := len(p.open); n > 0 && p.open[n-1].name == "pre" {
			p.open[n-1].e.Language, t.skip = strings.TrimPrefix(attributes["class"], "language-"), true
		}
	case "blockquote":
		if _, ok := attributes["expandable"]; ok {
			t.e.Type = "expandable_blockquote"
		}
	case "tg-emoji":
		if t.e.EmojiID = attributes["emoji-id"]; t.e.EmojiID == "" {
			return cantParse("Tag \"tg-emoji\" must have the attribute \"emoji-id\" at byte offset %d", start)
		}
	case "tg-time":
		if t.e.UnixTime, err = strconv.ParseInt(attributes["unix"], 10, 64); err != nil {
			return cantParse("Tag \"tg-time\" must have the attribute \"unix\" at byte offset %d", start)
		}
		t.e.Format = attributes["format"]
	}
	p.open = append(p.open, t)
	return nil
}

// linkable tells whether Telegram makes a link of an address; other addresses
// stay plain text without an error.
func linkable(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Hostname() != ""
	case "tg", "mailto", "tel", "ton":
		return true
	case "":
		return strings.Contains(strings.SplitN(u.Path, "/", 2)[0], ".")
	}
	return false
}

func (p *parser) word(stops string) string {
	from := p.at
	for p.at < len(p.src) && !strings.ContainsRune(stops, rune(p.src[p.at])) {
		p.at++
	}
	return p.src[from:p.at]
}

func (p *parser) spaces() {
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.at]) >= 0 {
		p.at++
	}
}

// attributes reads up to the end of a start tag.
func (p *parser) attributes(tag string, start int) (map[string]string, error) {
	var all map[string]string
	for {
		p.spaces()
		if p.at >= len(p.src) {
			return nil, cantParse("Unclosed start tag at byte offset %d", start)
		}
		if p.src[p.at] == '>' {
			p.at++
			return all, nil
		}
		name := strings.ToLower(p.word(" \t\r\n=>/\"'"))
		if name == "" {
			return nil, cantParse("Empty attribute name in the tag %q at byte offset %d", tag, start)
		}
		if all == nil {
			all = map[string]string{}
		}
		p.spaces()
		if p.at >= len(p.src) || p.src[p.at] != '=' {
			if name != "expandable" {
				return nil, cantParse("Expected equal sign in declaration of an attribute of the tag %q at byte offset %d", tag, start)
			}
			all[name] = ""
			continue
		}
		p.at++
		p.spaces()
		value, err := p.value(start)
		if err != nil {
			return nil, err
		}
		all[name] = value
	}
}

func (p *parser) value(start int) (string, error) {
	if p.at >= len(p.src) {
		return "", cantParse("Unclosed start tag at byte offset %d", start)
	}
	quote := p.src[p.at]
	if quote != '"' && quote != '\'' {
		return strings.ToLower(p.word(" \t\r\n>")), nil
	}
	p.at++
	var b strings.Builder
	for p.at < len(p.src) && p.src[p.at] != quote {
		if p.src[p.at] == '&' {
			r, err := p.reference()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			continue
		}
		b.WriteByte(p.src[p.at])
		p.at++
	}
	if p.at >= len(p.src) {
		return "", cantParse("Unclosed start tag at byte offset %d", start)
	}
	p.at++
	return b.String(), nil
}

func (p *parser) closeTag(name string, start int) error {
	n := len(p.open)
	if n == 0 {
		return cantParse("Unexpected end tag at byte offset %d", start)
	}
	t := p.open[n-1]
	if name != t.name {
		return cantParse("Unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", start, t.name, name)
	}
	p.open = p.open[:n-1]
	t.e.Length = p.size - t.e.Offset
	if t.e.Length > 0 && !t.skip {
		p.done = append(p.done, t.e)
	}
	return nil
}

// trimText drops space around a text, as Telegram does, and moves the entities
// with it.
func trimText(text string, entities []entity) (string, []entity) {
	const space = " \t\r\n\v\f"
	body := strings.TrimLeft(text, space)
	shift := utf16Len(text) - utf16Len(body)
	body = strings.TrimRight(body, space)
	size := utf16Len(body)
	var kept []entity
	for _, e := range entities {
		from, to := max(e.Offset-shift, 0), min(e.Offset+e.Length-shift, size)
		if from < to {
			e.Offset, e.Length = from, to-from
			kept = append(kept, e)
		}
	}
	slices.SortStableFunc(kept, func(a, b entity) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(b.Length, a.Length))
	})
	return body, kept
}

// parseText reads a text or a caption in the way that the call asks for.
func parseText(text, mode string, given []entity) (string, []entity, error) {
	switch strings.ToLower(mode) {
	case "html":
		return parseHTML(text)
	case "":
		size := utf16Len(text)
		given = slices.DeleteFunc(given, func(e entity) bool { return e.Type == "text_link" && !linkable(e.URL) })
		for _, e := range given {
			if e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > size {
				return "", nil, badRequest("entity beginning at UTF-16 offset %d ends after the end of the text at UTF-16 offset %d", e.Offset, e.Offset+e.Length)
			}
		}
		text, entities := trimText(text, given)
		return text, entities, nil
	case "markdown", "markdownv2":
		return "", nil, badRequest("parse_mode %s is not played by the emulator", mode)
	}
	return "", nil, badRequest("unsupported parse_mode")
}

// renderHTML writes text and entities as Telegram's HTML, in one form for each
// meaning: only <, > and & are escaped. The result is safe to put into a page,
// since addresses of links are those that Telegram would open.
func renderHTML(text string, entities []entity) string {
	if len(entities) == 0 {
		return escape(text)
	}
	var b strings.Builder
	var open []entity
	next, at := 0, 0
	boundary := func() {
		// Entities that overlap without nesting are closed and opened again.
		again := []entity{}
		for len(open) > 0 && slices.ContainsFunc(open, func(e entity) bool { return e.Offset+e.Length <= at }) {
			top := open[len(open)-1]
			open = open[:len(open)-1]
			b.WriteString(endTag(top))
			if top.Offset+top.Length > at {
				again = append(again, top)
			}
		}
		for _, e := range slices.Backward(again) {
			open = append(open, e)
			b.WriteString(startTag(e))
		}
		for next < len(entities) && entities[next].Offset <= at {
			open = append(open, entities[next])
			b.WriteString(startTag(entities[next]))
			next++
		}
	}
	for _, r := range text {
		boundary()
		b.WriteString(escape(string(r)))
		at++
		if r > 0xFFFF {
			at++
		}
	}
	for _, e := range slices.Backward(open) {
		b.WriteString(endTag(e))
	}
	return b.String()
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(s string) string { return escaper.Replace(s) }

func startTag(e entity) string {
	switch e.Type {
	case "text_link":
		return `<a href="` + html.EscapeString(e.URL) + `">`
	case "expandable_blockquote":
		return "<blockquote expandable>"
	case "pre":
		if e.Language != "" {
			return `<pre><code class="language-` + html.EscapeString(e.Language) + `">`
		}
	}
	if name := tagName(e.Type); name != "" {
		return "<" + name + ">"
	}
	return ""
}

func endTag(e entity) string {
	if e.Type == "pre" && e.Language != "" {
		return "</code></pre>"
	}
	if name := tagName(e.Type); name != "" {
		return "</" + name + ">"
	}
	return ""
}

func tagName(kind string) string {
	switch kind {
	case "bold":
		return "b"
	case "italic":
		return "i"
	case "underline":
		return "u"
	case "strikethrough":
		return "s"
	case "spoiler":
		return "tg-spoiler"
	case "text_link":
		return "a"
	case "code", "pre":
		return kind
	case "blockquote", "expandable_blockquote":
		return "blockquote"
	}
	return ""
}

package chat

import (
	"html"
	"strings"
	"unicode/utf16"
)

// MaxText and MaxCaption are the longest text and caption, in UTF-16 units after
// markup is taken away.
// Source: Bot API, sendMessage.text and sendDocument.caption.
const (
	MaxText    = 4096
	MaxCaption = 1024
)

// A token is a piece of HTML that is never cut: a tag, or one character as
// written (an entity such as &lt; is one).
type token struct {
	src  string
	open string // name of the tag that it opens
	shut bool   // closes the innermost tag
	size int    // UTF-16 units that people see
}

// split cuts HTML into parts of at most first units for the first and then rest
// for the others. It cuts after a line where there is one, else after a word,
// else anywhere but inside a character; tags that are open at a cut are closed
// before it and opened again after. Parts without visible text are left out.
func split(s string, first, rest int) []string {
	if len(s) <= first { // bytes are never fewer than units
		return []string{s}
	}
	var parts []string
	var open []token // tags open now
	limit := first
	tokens := tokenize(s)
	for len(tokens) > 0 {
		end := cut(tokens, limit)
		var b strings.Builder
		for _, t := range open {
			b.WriteString(t.src)
		}
		for _, t := range tokens[:end] {
			b.WriteString(t.src)
			switch {
			case t.open != "":
				open = append(open, t)
			case t.shut && len(open) > 0:
				open = open[:len(open)-1]
			}
		}
		for i := len(open) - 1; i >= 0; i-- {
			b.WriteString("</" + open[i].open + ">")
		}
		if part := b.String(); visible(part) {
			parts = append(parts, strings.Trim(part, "\n"))
		}
		tokens, limit = tokens[end:], rest
	}
	if parts == nil {
		return []string{""}
	}
	return parts
}

// clip is the first part of s, with a mark where the rest is left out.
func clip(s string, limit int) string {
	if parts := split(s, limit, limit); len(parts) < 2 {
		return parts[0]
	}
	return split(s, limit-2, limit)[0] + "\n…"
}

// cut returns how many tokens make the next part.
func cut(tokens []token, limit int) int {
	size, line, word := 0, 0, 0
	for i, t := range tokens {
		if size += t.size; size > limit {
			switch {
			case line > 0:
				return line
			case word > 0:
				return word
			default:
				return i
			}
		}
		switch t.src {
		case "\n":
			line = i + 1
		case " ":
			word = i + 1
		}
	}
	return len(tokens)
}

func tokenize(s string) []token {
	var out []token
	for len(s) > 0 {
		t := next(s)
		out = append(out, t)
		s = s[len(t.src):]
	}
	return out
}

func next(s string) token {
	switch s[0] {
	case '<':
		if end := strings.IndexByte(s, '>'); end > 0 {
			src := s[:end+1]
			if src[1] == '/' {
				return token{src: src, shut: true}
			}
			name, _, _ := strings.Cut(src[1:end], " ")
			return token{src: src, open: name}
		}
	case '&':
		if end := strings.IndexByte(s, ';'); end > 0 && end < 12 {
			return token{src: s[:end+1], size: units(html.UnescapeString(s[:end+1]))}
		}
	}
	for i := range s {
		if i > 0 {
			return token{src: s[:i], size: units(s[:i])}
		}
	}
	return token{src: s, size: units(s)}
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// visible reports whether any character but space is left without the tags.
func visible(s string) bool {
	for _, t := range tokenize(s) {
		if t.size > 0 && strings.TrimSpace(t.src) != "" {
			return true
		}
	}
	return false
}

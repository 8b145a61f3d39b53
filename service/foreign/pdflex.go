package foreign

import (
	"errors"
	"strconv"
)

// The values of a PDF besides float64, bool and nil. Texts are not kept: what a
// page says in letters is none of our business here.
type (
	pdfName  string
	pdfDict  map[pdfName]any
	pdfArray []any
	pdfRef   int // number of an object; generations do not matter to a reader
	pdfWord  string
	pdfText  struct{}
)

var (
	errPDFShort  = errors.New("the bytes end within a value")
	errPDFSyntax = errors.New("no PDF value")
)

// pdfLexer reads values from bytes that are all there.
type pdfLexer struct {
	b  []byte
	at int
}

// maxPDFDepth is how deep values may lie within each other.
const maxPDFDepth = 64

// value reads the next value; what is none is a pdfWord: an operator, obj, stream.
func (l *pdfLexer) value() (any, error) { return l.within(0) }

func (l *pdfLexer) within(depth int) (any, error) {
	v, err := l.token()
	if err != nil || depth > maxPDFDepth {
		return nil, errors.Join(err, tooDeep(depth))
	}
	switch v {
	case pdfWord("["):
		return l.list("]", depth)
	case pdfWord("<<"):
		items, err := l.list(">>", depth)
		if err != nil {
			return nil, err
		}
		d := make(pdfDict, len(items)/2)
		for i := 0; i+1 < len(items); i += 2 {
			name, ok := items[i].(pdfName)
			if !ok {
				return nil, errPDFSyntax
			}
			d[name] = items[i+1]
		}
		return d, nil
	}
	return v, nil
}

func tooDeep(depth int) error {
	if depth > maxPDFDepth {
		return errPDFSyntax
	}
	return nil
}

// list reads values until a closing word. Two numbers and an R are a reference.
func (l *pdfLexer) list(end pdfWord, depth int) (pdfArray, error) {
	items := pdfArray{}
	for {
		v, err := l.within(depth + 1)
		if err != nil {
			return nil, err
		}
		switch v {
		case end:
			return items, nil
		case pdfWord("R"):
			n := len(items)
			if n < 2 {
				return nil, errPDFSyntax
			}
			number, ok := items[n-2].(float64)
			if !ok {
				return nil, errPDFSyntax
			}
			items = append(items[:n-2], pdfRef(number))
		case pdfWord("true"), pdfWord("false"):
			items = append(items, v == pdfWord("true"))
		case pdfWord("null"):
			items = append(items, nil)
		default:
			if _, isWord := v.(pdfWord); isWord {
				return nil, errPDFSyntax
			}
			items = append(items, v)
		}
	}
}

// token reads a number, a name, a text or a word, brackets included.
func (l *pdfLexer) token() (any, error) {
	l.skip()
	if l.at >= len(l.b) {
		return nil, errPDFShort
	}
	switch c := l.b[l.at]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.text()
	case c == '<' && l.at+1 < len(l.b) && l.b[l.at+1] == '<', c == '>' && l.at+1 < len(l.b) && l.b[l.at+1] == '>':
		l.at += 2
		return pdfWord(l.b[l.at-2 : l.at]), nil
	case c == '<':
		return l.hexText()
	case c == '[', c == ']', c == '{', c == '}', c == ')', c == '>':
		l.at++
		return pdfWord(l.b[l.at-1 : l.at]), nil
	}
	from := l.at
	for l.at < len(l.b) && !isPDFSpace(l.b[l.at]) && !isPDFDelimiter(l.b[l.at]) {
		l.at++
	}
	if l.at == len(l.b) {
		return nil, errPDFShort
	}
	word := string(l.b[from:l.at])
	if c := word[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, errPDFSyntax
		}
		return n, nil
	}
	return pdfWord(word), nil
}

// skip passes over white space and comments.
func (l *pdfLexer) skip() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case isPDFSpace(c):
			l.at++
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
		default:
			return
		}
	}
}

func (l *pdfLexer) name() (any, error) {
	l.at++
	var out []byte
	for ; l.at < len(l.b) && !isPDFSpace(l.b[l.at]) && !isPDFDelimiter(l.b[l.at]); l.at++ {
		c := l.b[l.at]
		if c == '#' && l.at+2 < len(l.b) {
			if n, err := strconv.ParseUint(string(l.b[l.at+1:l.at+3]), 16, 8); err == nil {
				c = byte(n)
				l.at += 2
			}
		}
		out = append(out, c)
	}
	if l.at == len(l.b) {
		return nil, errPDFShort
	}
	return pdfName(out), nil
}

func (l *pdfLexer) text() (any, error) {
	for depth := 0; l.at < len(l.b); l.at++ {
		switch l.b[l.at] {
		case '\\':
			l.at++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				l.at++
				return pdfText{}, nil
			}
		}
	}
	return nil, errPDFShort
}

func (l *pdfLexer) hexText() (any, error) {
	for l.at++; l.at < len(l.b); l.at++ {
		if l.b[l.at] == '>' {
			l.at++
			return pdfText{}, nil
		}
	}
	return nil, errPDFShort
}

func isPDFSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isPDFDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

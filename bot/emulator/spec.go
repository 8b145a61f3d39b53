package emulator

import (
	"bytes"
	_ "embed" // the specification
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed spec.json
var specJSON []byte

// spec is the Bot API as data: what each method takes and each type holds.
type spec struct {
	methods map[string]*shape // by name in lower case: Telegram ignores case
	types   map[string]*shape
}

// shape is a method's parameters or a type's fields. A type with any is one of
// several others and has no fields of its own.
type shape struct {
	name    string
	returns rule
	fields  map[string]rule
	order   []string // required fields, sorted, so that errors are the same each time
	any     []kind
}

// rule is what one field may hold.
type rule struct {
	required bool
	kinds    []kind
	words    []string // the only values allowed, when not empty
	limited  bool
	min, max int64
	unit     byte // 'b' bytes, 'c' characters, 0 value or number of items
}

// kind is a type, inside depth arrays.
type kind struct {
	depth int
	name  string
}

var theSpec = sync.OnceValue(func() *spec {
	s, err := readSpec(specJSON)
	if err != nil {
		panic("emulator: spec.json: " + err.Error())
	}
	return s
})

func readSpec(data []byte) (*spec, error) {
	type rawShape struct {
		Returns string            `json:"returns"`
		Fields  map[string]string `json:"fields"`
		Any     []string          `json:"any"`
	}
	var raw struct {
		Methods map[string]rawShape `json:"methods"`
		Types   map[string]rawShape `json:"types"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	s := &spec{methods: map[string]*shape{}, types: map[string]*shape{}}
	read := func(name string, r rawShape) (*shape, error) {
		sh := &shape{name: name, fields: map[string]rule{}}
		for f, text := range r.Fields {
			ru, err := readRule(text)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, f, err)
			}
			sh.fields[f] = ru
			if ru.required {
				sh.order = append(sh.order, f)
			}
		}
		slices.Sort(sh.order)
		for _, t := range r.Any {
			sh.any = append(sh.any, readKind(t))
		}
		var err error
		sh.returns, err = readRule(r.Returns)
		return sh, err
	}
	for name, r := range raw.Methods {
		sh, err := read(name, r)
		if err != nil {
			return nil, err
		}
		s.methods[strings.ToLower(name)] = sh
	}
	for name, r := range raw.Types {
		sh, err := read(name, r)
		if err != nil {
			return nil, err
		}
		s.types[name] = sh
	}
	return s, nil
}

func readKind(text string) kind {
	k := kind{name: text}
	for {
		rest, ok := strings.CutPrefix(k.name, "Array of ")
		if !ok {
			return k
		}
		k.name, k.depth = rest, k.depth+1
	}
}

// readRule reads the notation that the note in spec.json explains.
func readRule(text string) (rule, error) {
	var r rule
	text, r.required = strings.CutPrefix(text, "!")
	if head, words, ok := strings.Cut(text, " ="); ok {
		text, r.words = head, strings.Split(words, "|")
	}
	if at := strings.LastIndexByte(text, ' '); at >= 0 && strings.Contains(text[at:], "..") {
		limit := text[at+1:]
		text = text[:at]
		if unit := limit[len(limit)-1]; unit == 'b' || unit == 'c' {
			r.unit, limit = unit, limit[:len(limit)-1]
		}
		lo, hi, _ := strings.Cut(limit, "..")
		var err, err2 error
		r.min, err = strconv.ParseInt(lo, 10, 64)
		r.max, err2 = strconv.ParseInt(hi, 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return r, err
		}
		r.limited = true
	}
	for part := range strings.SplitSeq(text, " or ") {
		r.kinds = append(r.kinds, readKind(part))
	}
	return r, nil
}

func (k kind) scalar() bool {
	if k.depth > 0 {
		return false
	}
	switch k.name {
	case "String", "Integer", "Float", "Boolean", "InputFile", "True":
		return true
	}
	return false
}

// check compares a call with the method's parameters. Its errors are what
// Telegram would answer, and stricter than Telegram in three things that are
// always a mistake of the bot: unknown parameters, unknown fields of an object
// and words that the documentation does not list.
func (s *spec) check(c *call) error {
	known := c.shape.fields
	for _, name := range c.names() {
		if _, ok := known[name]; !ok {
			return badRequest("unknown parameter %q of %s", name, c.shape.name)
		}
	}
	for name := range c.files {
		_, parameter := known[name]
		if !parameter && !c.mentions("attach://"+name) {
			return badRequest("unknown parameter %q of %s: a file that nothing refers to", name, c.shape.name)
		}
	}
	for _, name := range c.shape.order {
		_, given := c.args[name]
		_, uploaded := c.files[name]
		if given || uploaded {
			continue
		}
		switch name {
		case "chat_id":
			return badRequest("chat_id is empty")
		case "text":
			return badRequest("message text is empty")
		case "media", "document", "photo":
			return badRequest("there is no %s in the request", name)
		}
		return badRequest("parameter %q is required", name)
	}
	for _, name := range c.names() {
		if err := s.checkArg(name, known[name], c.args[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkArg checks one parameter as it came in a form.
func (s *spec) checkArg(name string, r rule, value string) error {
	if !utf8.ValidString(value) {
		return badRequest("strings must be encoded in UTF-8")
	}
	scalar := slices.ContainsFunc(r.kinds, kind.scalar)
	if !scalar {
		v, err := decodeAny(value)
		if err == nil {
			err = s.fits(r, v, name)
		}
		var said *apiError
		switch {
		case errors.As(err, &said):
			return said
		case err != nil && name == "reply_markup":
			return badRequest("can't parse reply keyboard markup JSON object: %v", err)
		case err != nil:
			return badRequest("can't parse %s JSON object: %v", name, err)
		}
		return nil
	}
	var err error
	for _, k := range r.kinds {
		var v any
		if v, err = scalarOf(k.name, value); err == nil {
			err = s.fits(rule{kinds: []kind{k}, words: r.words, limited: r.limited, min: r.min, max: r.max, unit: r.unit}, v, name)
		}
		if err == nil {
			return nil
		}
	}
	var said *apiError
	if errors.As(err, &said) {
		return said
	}
	return badRequest("%v", err)
}

// scalarOf reads a form value as a type; "1" is a number, a string and true.
func scalarOf(kind, value string) (any, error) {
	switch kind {
	case "Integer":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return nil, fmt.Errorf("%q is not an integer", clip(value))
		}
		return json.Number(value), nil
	case "Float":
		if f, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%q is not a number", clip(value))
		}
		return json.Number(value), nil
	case "Boolean", "True":
		b, err := readBool(value)
		return b, err
	default:
		return value, nil
	}
}

func readBool(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1":
		return true, nil
	case "false", "0", "":
		return false, nil
	}
	return false, fmt.Errorf("%q is not a boolean", clip(value))
}

func decodeAny(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands after the JSON value")
	}
	return v, nil
}

// fits tells whether a decoded JSON value is what the rule allows; at names the
// place in errors.
func (s *spec) fits(r rule, v any, at string) error {
	if items, ok := v.([]any); ok && allArrays(r.kinds) {
		inner := rule{kinds: make([]kind, len(r.kinds))}
		for i, k := range r.kinds {
			inner.kinds[i] = kind{k.depth - 1, k.name}
		}
		for i, item := range items {
			if err := s.fits(inner, item, at+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		return r.within(v, at)
	}
	kinds, err := s.meant(r.kinds, v, at)
	if err != nil {
		return err
	}
	var first error
	for _, k := range kinds {
		err := s.fitsKind(k, v, at)
		if err == nil {
			return r.within(v, at)
		}
		if first == nil || better(err, first) {
			first = err
		}
	}
	return first
}

func allArrays(kinds []kind) bool {
	return !slices.ContainsFunc(kinds, func(k kind) bool { return k.depth == 0 })
}

// better prefers the error of the alternative that the sender meant: one of
// Telegram's own, else one about a field deeper inside.
func better(err, than error) bool {
	var said *apiError
	if errors.As(than, &said) {
		return false
	}
	return errors.As(err, &said) || strings.Contains(err.Error(), "unknown field") && !strings.Contains(than.Error(), "unknown field")
}

func (s *spec) fitsKind(k kind, v any, at string) error {
	if k.depth > 0 {
		if _, ok := v.([]any); !ok {
			return fmt.Errorf("%s must be an array", at)
		}
		return s.fits(rule{kinds: []kind{k}}, v, at)
	}
	if k.scalar() {
		return fitsScalar(k.name, v, at)
	}
	sh := s.types[k.name]
	if sh == nil {
		return fmt.Errorf("%s: the specification lacks the type %s", at, k.name)
	}
	if len(sh.any) > 0 {
		return s.fits(rule{kinds: sh.any}, v, at)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s must be an object %s", at, k.name)
	}
	for _, name := range sh.order {
		if object[name] == nil {
			return fmt.Errorf("%s lacks the field %q of %s", at, name, k.name)
		}
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		field, ok := sh.fields[name]
		if !ok {
			return fmt.Errorf("%s has the unknown field %q of %s", at, name, k.name)
		}
		if object[name] == nil {
			continue // null is the same as absent
		}
		if err := s.fits(field, object[name], at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// meant narrows a union to the members whose fixed word (type, status, source)
// is that of the value, so that errors speak of the right one.
func (s *spec) meant(kinds []kind, v any, at string) ([]kind, error) {
	object, ok := v.(map[string]any)
	if !ok || len(kinds) < 2 {
		return kinds, nil
	}
	var hits []kind
	var words []string
	field := ""
	for _, k := range kinds {
		member := s.types[k.name]
		if k.depth > 0 || member == nil {
			return kinds, nil
		}
		fixed := ""
		for _, name := range member.order {
			if w := member.fields[name].words; len(w) == 1 {
				field, fixed = name, w[0]
			}
		}
		if fixed == "" {
			return kinds, nil // not told apart by a word
		}
		words = append(words, fixed)
		if object[field] == fixed {
			hits = append(hits, k)
		}
	}
	if len(hits) == 0 {
		return nil, fmt.Errorf("%s.%s is %q, which is none of: %s", at, field, clip(fmt.Sprint(object[field])), strings.Join(words, ", "))
	}
	return hits, nil
}

func fitsScalar(name string, v any, at string) error {
	ok := false
	switch name {
	case "String", "InputFile":
		_, ok = v.(string)
	case "Integer":
		var n json.Number
		if n, ok = v.(json.Number); ok {
			_, err := n.Int64()
			ok = err == nil
		}
	case "Float":
		_, ok = v.(json.Number)
	case "Boolean":
		_, ok = v.(bool)
	case "True":
		b, is := v.(bool)
		ok = is && b
	}
	if !ok {
		return fmt.Errorf("%s must be of the type %s", at, name)
	}
	return nil
}

// limitWords are Telegram's own words for some broken limits, by the place
// without its indexes.
var limitWords = map[string]string{
	"reply_markup.inline_keyboard.callback_data": "BUTTON_DATA_INVALID",
	"commands.command":                           "BOT_COMMAND_INVALID",
	"commands.description":                       "BOT_COMMAND_DESCRIPTION_INVALID",
	"commands":                                   "BOT_COMMANDS_TOO_MUCH",
	"text":                                       "MESSAGE_TOO_LONG",
}

// place strips the indexes: "a[0][1].b" becomes "a.b".
func place(at string) string {
	var b strings.Builder
	inside := false
	for _, r := range at {
		switch {
		case r == '[':
			inside = true
		case r == ']':
			inside = false
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// within checks the words and the limits of a value of the right type.
func (r rule) within(v any, at string) error {
	if text, ok := v.(string); ok && len(r.words) > 0 && !slices.Contains(r.words, text) {
		return fmt.Errorf("%s is %q, which is none of: %s", at, clip(text), strings.Join(r.words, ", "))
	}
	if !r.limited {
		return nil
	}
	var size int64
	switch v := v.(type) {
	case string:
		size = int64(len(v))
		if r.unit == 'c' {
			size = int64(utf16Len(v))
		}
	case []any:
		size = int64(len(v))
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return err
		}
		size = int64(math.Floor(f))
	}
	if size >= r.min && size <= r.max {
		return nil
	}
	field := place(at)
	if word, ok := limitWords[field]; ok {
		return badRequest("%s", word)
	}
	if field == "media" {
		if size < r.min {
			return badRequest("too few messages to send as an album: %d, at least %d", size, r.min)
		}
		return badRequest("too many messages to send as an album: %d, at most %d", size, r.max)
	}
	return badRequest("%s is %d, which is not between %d and %d", at, size, r.min, r.max)
}

// answers compares a result with what the method promises to return.
func (s *spec) answers(sh *shape, result []byte) error {
	d := json.NewDecoder(bytes.NewReader(result))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	return s.fits(sh.returns, v, "result")
}

func clip(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

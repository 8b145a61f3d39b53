package service

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// NumberRow is one row of a table with registration numbers: what the file says,
// and what matching has made of it.
type NumberRow struct {
	Sheet    string // name in the file, "" for a text table
	Row      int    // from 1
	Name     string // on one line
	BornOn   Day    // zero: the file does not tell
	Level    Level  // "": the file does not tell
	Document string // "": the file does not tell
	Number   string // with plain hyphens and without spaces
	IssuedOn Day
	Fault    NumberVerdict // what is wrong with the row by itself, "" nothing

	Verdict     NumberVerdict
	Application int64    // the one that the row is about, 0 when none is, or several are
	Of          string   // its number
	Has         string   // the registration number that it has
	HasOn       Day      // with this day
	Typed       bool     // which a person typed
	Holder      string   // application that has the row's number, "" if it may not be named
	HolderTyped bool     // a person typed it there
	Others      []string // numbers of the applications between which the row cannot tell, the first few
	SameAs      int      // another row with this number or for this application, 0: none
}

// numberTable is what a table with registration numbers says.
type numberTable struct {
	Heads []numberHead
	Rows  []NumberRow
	First int64 // digest of the report with which the table is returned
}

// numberHead is where the headers of a sheet stand.
type numberHead struct {
	Sheet string
	Row   int
}

const (
	// headRows are the first rows of a sheet among which the headers are looked
	// for. Source: the domain, section 3.2.
	headRows = 10
	// mostNumbers bounds the rows of a table with numbers: what a center gets in a
	// year is less.
	mostNumbers = 20_000
)

// numberColumn is what a column of such a table holds.
type numberColumn int

const (
	columnNoneOfOurs numberColumn = iota
	columnNumber
	columnIssued
	columnWhole // the full name
	columnLast
	columnFirst
	columnMiddle
	columnBirth
	columnType
	columnIdentity // may be parted into series and number
)

// numberAliases are the titles of each column, the surest first. A title may go
// on behind an alias. Columns are tried in this order: «фамилия, имя, отчество» is
// no column of last names. Source: the domain, section 3.2, and the template of
// section 3.1.
var numberAliases = []struct {
	column  numberColumn
	aliases []string
}{
	{columnNumber, []string{"реестровый номер", "регистрационный номер", "рег номер", "номер сертификата", "номер документа"}},
	{columnIssued, []string{"дата выдачи", "дата документа", "дата регистрации"}},
	{columnWhole, []string{"фио", "ф и о", "фамилия имя отчество", "фамилия имя и отчество"}},
	{columnLast, []string{"фамилия"}},
	{columnFirst, []string{"имя"}},
	{columnMiddle, []string{"отчество"}},
	{columnBirth, []string{"дата рождения", "д р", "др"}},
	{columnType, []string{
		"тип сертификата", "вид сертификата", "наименование сертификата", "тип документа", "вид документа", "уровень", "цель", "тип",
	}},
}

// titleWords makes the title of a column comparable: letters and digits alone.
func titleWords(cell string) string {
	cell = strings.ReplaceAll(fold(cell), "№", " номер ")
	return strings.Join(strings.FieldsFunc(cell, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

// columnOfTitle tells what a column holds by its title, and how sure that is: 0
// is the surest.
func columnOfTitle(cell string) (c numberColumn, rank int) {
	title := titleWords(cell)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(title, w) })
	}
	switch {
	case title == "" || has("латин"):
		return columnNoneOfOurs, 0
	case has("удостоверяющ", "паспорт"):
		if has("дата", "кем", "код", "вид", "тип", "наименование") {
			return columnNoneOfOurs, 0
		}
		return columnIdentity, 0
	}
	for _, c := range numberAliases {
		for rank, alias := range c.aliases {
			if title == alias || strings.HasPrefix(title, alias+" ") {
				return c.column, rank
			}
		}
	}
	return columnNoneOfOurs, 0
}

// numberHeader is the place of each column in a sheet.
type numberHeader struct {
	row     int // of the headers
	first   int // index of the first row below them
	at      map[numberColumn]int
	rank    map[numberColumn]int
	papers  []int // columns of the identity document, from left to right
	twice   string
	twiceAt numberColumn
}

// take reads the titles of one row into the header.
func (h *numberHeader) take(r SheetRow) {
	taken := maps.Clone(h.at) // by an earlier row
	for i, cell := range r.Cells {
		c, rank := columnOfTitle(cell)
		switch {
		case c == columnNoneOfOurs || known(taken, c):
		case c == columnIdentity:
			h.papers = append(h.papers, i)
		default:
			if known(h.at, c) {
				if rank == h.rank[c] {
					h.twice, h.twiceAt = cell, c
				}
				if rank >= h.rank[c] {
					continue
				}
				if h.twiceAt == c {
					h.twice = ""
				}
			}
			h.at[c], h.rank[c] = i, rank
		}
	}
}

func (h *numberHeader) has(c numberColumn) bool { return known(h.at, c) }

func known(at map[numberColumn]int, c numberColumn) bool {
	_, ok := at[c]
	return ok
}

// score is how many of the columns are there.
func (h *numberHeader) score() int { return len(h.at) + min(len(h.papers), 1) }

// findHeader finds the headers among the first rows: the row with the most of
// our columns. What the row lacks may stand in the one below, under a title that
// spans several columns.
func findHeader(sh *Sheet) *numberHeader {
	var best *numberHeader
	for i, r := range sh.Rows {
		if r.Number > headRows {
			break
		}
		h := &numberHeader{row: r.Number, first: i + 1, at: make(map[numberColumn]int), rank: make(map[numberColumn]int)}
		h.take(r)
		if best == nil || h.score() > best.score() {
			best = h
		}
	}
	if best == nil || best.score() == 0 {
		return nil
	}
	if best.first < len(sh.Rows) && sh.Rows[best.first].Number == best.row+1 {
		more := best.score()
		best.take(sh.Rows[best.first])
		if best.score() > more {
			best.first++
		}
	}
	return best
}

// lack is the refusal of a header that has too little, or nil. A name alone
// never tells who somebody is.
func (h *numberHeader) lack() error {
	switch {
	case !h.has(columnNumber):
		return refuse(Invalid, ReasonFrdoNoNumber)
	case !h.has(columnIssued):
		return refuse(Invalid, ReasonFrdoNoDate)
	case h.twice != "":
		return refuseWith(Invalid, ReasonFrdoTwice, h.twice)
	case !h.has(columnWhole) && !h.has(columnLast):
		return refuse(Invalid, ReasonFrdoNoName)
	case !h.has(columnBirth) && len(h.papers) == 0:
		return refuse(Invalid, ReasonFrdoNameAlone)
	}
	return nil
}

// readNumbers reads a table with registration numbers: every sheet that has the
// columns. What is hidden is not read: nobody has looked at it.
func readNumbers(sheets []Sheet) (*numberTable, error) {
	out := &numberTable{}
	var why error
	most := 0
	for i := range sheets {
		sh := &sheets[i]
		if sh.Hidden || len(sh.Rows) == 0 {
			continue
		}
		h := findHeader(sh)
		if h == nil {
			continue
		}
		if lack := h.lack(); lack != nil {
			if h.score() > most { // the sheet that comes nearest says what is missing
				why, most = lack, h.score()
			}
			continue
		}
		out.Heads = append(out.Heads, numberHead{sh.Name, h.row})
		for _, r := range sh.Rows[h.first:] {
			if row, some := h.read(sh, r); some {
				out.Rows = append(out.Rows, row)
			}
		}
	}
	switch {
	case len(out.Rows) > mostNumbers:
		return nil, refuseWith(Invalid, ReasonFrdoManyRows, FileBound{Limit: mostNumbers, Got: int64(len(out.Rows))})
	case len(out.Rows) > 0:
		return out, nil
	case out.Heads != nil:
		return nil, refuse(Invalid, ReasonFrdoNoRows)
	case why != nil:
		return nil, why
	case !slices.ContainsFunc(sheets, func(s Sheet) bool { return !s.Hidden && len(s.Rows) > 0 }):
		return nil, refuse(Invalid, ReasonSheetEmpty)
	}
	return nil, refuseWith(Invalid, ReasonFrdoNoHeader, headRows)
}

// read reads one row; it reports false for one that says nothing about anybody.
func (h *numberHeader) read(sh *Sheet, r SheetRow) (NumberRow, bool) {
	cell := func(c numberColumn) string {
		if i, ok := h.at[c]; ok {
			return joined(r.Cell(i))
		}
		return ""
	}
	out := NumberRow{Sheet: sh.Name, Row: r.Number, Name: cell(columnWhole), Level: levelOf(cell(columnType))}
	if h.has(columnLast) && (out.Name == "" || h.has(columnFirst)) {
		out.Name = joined(cell(columnLast), cell(columnFirst), cell(columnMiddle))
	}
	for _, i := range h.papers {
		out.Document = joined(out.Document, r.Cell(i))
	}
	number, issued, born := cell(columnNumber), cell(columnIssued), cell(columnBirth)
	if foldName(out.Name) == "" && number == "" {
		return out, false
	}
	var ok bool
	if out.BornOn, ok = dayOf(born, sh.Base1904); !ok {
		out.Fault = NumberBadBirth
	}
	if out.IssuedOn, ok = dayOf(issued, sh.Base1904); !ok {
		out.Fault = NumberBadDate
	}
	if out.Number, ok = registrationNumber(number); !ok {
		out.Fault = NumberBadNumber
	}
	switch {
	case foldName(out.Name) == "":
		out.Fault = NumberNoName
	case number == "":
		out.Fault = NumberMissing
	case out.Fault == "" && out.IssuedOn.IsZero():
		out.Fault = NumberBadDate
	case out.Fault == "" && out.BornOn.IsZero() && foldDocument(out.Document) == "":
		out.Fault = NumberNameAlone
	}
	return out, true
}

func dayOf(cell string, base1904 bool) (Day, bool) {
	if cell == "" {
		return Day{}, true
	}
	d, ok := parseDay(cell, base1904)
	return d, ok && d.Year >= firstBirth && d.Year <= lastYear
}

// levelOf finds the level that the words of a certificate's type mean, "" when
// they mean none or several.
func levelOf(words string) Level {
	words = titleWords(words)
	var found []Level
	for level, keys := range map[Level][]string{
		LevelTemporary: {"временн", "рвп"},
		LevelPermanent: {"жительств", "внж"},
		LevelPatent:    {"патент", "на работу"},
	} {
		if slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(words, k) }) {
			found = append(found, level)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// The forms of registration numbers. Source: the domain, section 3.2. Of the last
// digit of today's form nothing is known, so it is not checked; older numbers are
// digits and letters with hyphens and slashes between them. What is parted like
// today's form and has other lengths has lost a digit on its way.
var (
	numberToday    = regexp.MustCompile(`^\d{2}-\d{2}-\d{5}-\d{6}-\d$`)
	numberMistyped = regexp.MustCompile(`^\d+-\d+-\d+-\d+-\d+$`)
	numberOlder    = regexp.MustCompile(`^[\p{L}\d]+(?:[-/]+[\p{L}\d]+)*$`)
)

// shortestNumber is how many characters an older number has at least.
const shortestNumber = 3

// registrationNumber is a cell as a registration number is written, and whether
// it is one: hyphens of every kind are plain ones, spaces are left out.
func registrationNumber(cell string) (string, bool) {
	number := strings.Map(func(r rune) rune {
		switch {
		case isDash(r):
			return '-'
		case unicode.IsSpace(r):
			return -1
		}
		return r
	}, cell)
	switch {
	case numberToday.MatchString(number):
		return number, true
	case numberMistyped.MatchString(number) || !numberOlder.MatchString(number):
		return number, false
	}
	if _, isDay := parseDay(number, false); isDay && strings.Contains(number, "-") {
		return number, false
	}
	letters := []rune(number)
	return number, len(letters) >= shortestNumber && len(letters) <= longestNumber &&
		slices.ContainsFunc(letters, func(r rune) bool { return r >= '1' && r <= '9' })
}

func isDash(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '\u2212' }

// lookalikes are the Latin letters that look like Russian ones, and those that people
// write for each other.
var lookalikes = strings.NewReplacer(
	"A", "А", "B", "В", "C", "С", "E", "Е", "H", "Н", "I", "І", "K", "К", "M", "М", "O", "О", "P", "Р", "T", "Т", "X", "Х", "Y", "У",
	"Ё", "Е", "Ë", "Е", "\u2019", "'", "\u02bc", "'", "`", "'",
)

// foldName makes names comparable: one case, Ё as Е, letters that look alike as
// one, one space for spaces and hyphens between words. Texts come in NFC, as
// SheetRow says.
func foldName(name string) string {
	words := strings.FieldsFunc(lookalikes.Replace(strings.ToUpper(name)), func(r rune) bool { return unicode.IsSpace(r) || isDash(r) })
	return strings.Join(words, " ")
}

// foldDocument makes identity documents comparable: letters and digits alone.
func foldDocument(document string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, lookalikes.Replace(strings.ToUpper(document)))
}

// fewestAlike is how many characters of an identity document must agree, when
// one of two has something before them: a word, or the series.
const fewestAlike = 6

// sameDocument reports whether two identity documents, folded, may be one.
func sameDocument(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	return a == b || len([]rune(b)) >= fewestAlike && strings.HasSuffix(a, b)
}

package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"flowbot/service"
)

// Buttons of exams and applications. The ID is the exam's or the application's,
// unless said otherwise.
const (
	pressExams        Action = "exl" // ID is a place, see examPlace; Version is 0
	pressExam         Action = "exc"
	pressExamPeriod   Action = "exp" // ID is a place, Version the status in certificateFilters, from 1
	pressExamSearch   Action = "exs"
	pressExamHistory  Action = "exh" // Version is a page
	pressTable        Action = "ext" // Version is a page
	pressTableSearch  Action = "exq"
	pressApplication  Action = "exa"
	pressApplicationH Action = "exy" // Version is a page
)

// certificateFilters are the filters of the list of exams: for all of them the
// ID is a place. Never renumbered: old messages keep their buttons.
var certificateFilters = []struct {
	code   Action
	label  string
	status service.CertificateStatus
}{
	{"ex1", "exams_not_ready", service.CertificatesNotReady},
	{"ex2", "exams_not_needed", service.CertificatesNotNeeded},
	{"ex3", "exams_to_generate", service.CertificatesToGenerate},
	{"ex4", "exams_to_load", service.CertificatesToLoad},
	{"ex5", "exams_partly_loaded", service.CertificatesPartlyLoaded},
	{"ex6", "exams_loaded", service.CertificatesLoaded},
}

func (b *Bot) examActions() []action {
	out := []action{
		{pressExams, "exams", b.examsPressed},
		{pressExam, "exam", b.examPressed},
		{pressExamPeriod, "exams_period", b.examPeriodPressed},
		{pressExamSearch, "exams_search", b.examSearchPressed},
		{pressExamHistory, "exam_history", b.examHistoryPressed},
		{pressTable, "exam_table", b.tablePressed},
		{pressTableSearch, "exam_table_search", b.tableSearchPressed},
		{pressApplication, "application", b.applicationPressed},
		{pressApplicationH, "application_history", b.applicationHistoryPressed},
	}
	for _, f := range certificateFilters {
		out = append(out, action{f.code, f.label, b.examsPressed})
	}
	return out
}

// examTalks are the conversations about exams.
func examTalks() []talk { return []talk{periodTalk, searchExam, searchTable} }

// examPlace is where somebody stands in the list of exams: a page of the exams
// held from one day to another, zero days for any. A button carries it in its ID,
// so that the filters last while the pages are turned.
type examPlace struct {
	page     int
	from, to service.Day
}

// dayBits hold a day counted from firstPlaceDay: until the year 2258.
const dayBits = 17

var firstPlaceDay = time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC)

func packDay(d service.Day) int64 {
	if d.IsZero() {
		return 0
	}
	days := int64(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Sub(firstPlaceDay).Hours()) / 24
	return min(max(days, 0)+1, 1<<dayBits-1)
}

func unpackDay(n int64) service.Day {
	n &= 1<<dayBits - 1
	if n == 0 {
		return service.Day{}
	}
	return service.DayOf(firstPlaceDay.AddDate(0, 0, int(n-1)), time.UTC)
}

func (p examPlace) id() int64 {
	return int64(p.page)<<(2*dayBits) | packDay(p.from)<<dayBits | packDay(p.to)
}

func placeOf(id int64) examPlace {
	return examPlace{page: pageOf(id >> (2 * dayBits)), from: unpackDay(id >> dayBits), to: unpackDay(id)}
}

// examsView is what a page of exams says above its buttons.
type examsView struct {
	Items    []service.ExamItem
	Filtered service.CertificateStatus // "" for none
	From, To service.Day
	Search   string // how the numbers begin; "" when nobody looks for one
	Page     int
	Centers  bool // the reader sees those of several centers
	Cut      bool // there is more, and no page shows it
}

// looksAtExams refuses whoever has nothing to do with exams.
func looksAtExams(by service.Actor) error {
	if !by.Has(service.RoleCenterStaff) && !by.Has(service.RoleAdmin) {
		return &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	return nil
}

// seesSeveral reports whether the person sees the exams of more than one center.
func seesSeveral(by service.Actor) bool {
	return by.Has(service.RoleAdmin) || len(by.Orgs(service.RoleCenterStaff)) > 1
}

// examsPressed shows a page of exams with the counts of each certificate status
// as filters.
func (b *Bot) examsPressed(ctx context.Context, t *Turn) (Reply, error) {
	return b.examList(ctx, t, t.Press.Do, placeOf(t.Press.ID))
}

// examList is examsPressed for a filter, which is an action, and a place.
func (b *Bot) examList(ctx context.Context, t *Turn, do Action, at examPlace) (Reply, error) {
	if err := looksAtExams(t.By); err != nil {
		return Reply{}, err
	}
	v := examsView{From: at.from, To: at.to, Page: at.page, Centers: seesSeveral(t.By)}
	f := service.ExamFilter{From: at.from, To: at.to}
	counts, err := b.Exams.Counts(ctx, t.By, f)
	if err != nil {
		return Reply{}, err
	}
	for _, c := range certificateFilters {
		if c.code == do {
			v.Filtered, f.Certificates = c.status, []service.CertificateStatus{c.status}
		}
	}
	list, err := b.Exams.List(ctx, t.By, f, at.page*pageSize, pageSize+1)
	if err != nil {
		return Reply{}, err
	}
	if len(list) == 0 && at.page > 0 { // there are fewer now
		return b.examList(ctx, t, do, examPlace{from: at.from, to: at.to})
	}
	v.Items = list[:min(len(list), pageSize)]
	r := Reply{Text: "exams", Edit: true}
	r.Rows = examItems(v)
	r.Rows = append(r.Rows, turnPages(at.page, len(list) > pageSize, func(p int) Press {
		return Press{Do: do, ID: examPlace{p, at.from, at.to}.id()}
	})...)
	r.Rows = append(r.Rows, filterRows(do, at, counts, service.ExamCountCap(t.By))...)
	r.Rows = append(r.Rows,
		row(Button{Press: Press{pressExamPeriod, at.id(), filterNumber(do)}}, Button{Label: "queue_search", Press: Press{Do: pressExamSearch}}),
		row(Button{Press: Press{Do: pressMenu}}))
	r.Data = v
	return r, nil
}

// examItems are the exams of a page as buttons.
func examItems(v examsView) [][]Button {
	var out [][]Button
	for _, e := range v.Items {
		out = append(out, row(Button{Label: "exam_item", Args: e, Press: Press{pressExam, e.ID, 0}}))
	}
	return out
}

// filterRows offers the certificate statuses of which there are exams, and the
// way back to all. Counts stop at most.
func filterRows(do Action, at examPlace, counts map[service.CertificateStatus]int, most int) [][]Button {
	var out [][]Button
	first := examPlace{from: at.from, to: at.to}
	for _, c := range certificateFilters {
		if n := counts[c.status]; n > 0 && c.code != do {
			count := strconv.Itoa(n)
			if n >= most {
				count += "+"
			}
			out = append(out, row(Button{Args: count, Press: Press{Do: c.code, ID: first.id()}}))
		}
	}
	if do != pressExams || !at.from.IsZero() {
		out = append(out, row(Button{Label: "exams_all", Press: Press{Do: pressExams}}))
	}
	return out
}

// filterNumber is the number of a filter, 0 for none.
func filterNumber(do Action) int {
	for i, c := range certificateFilters {
		if c.code == do {
			return i + 1
		}
	}
	return 0
}

// filterOf is the action of a numbered filter.
func filterOf(number int) Action {
	if number < 1 || number > len(certificateFilters) {
		return pressExams
	}
	return certificateFilters[number-1].code
}

// periodForm is the period of which exams are shown, until an answer that of
// before.
type periodForm struct {
	Filter   int // number of the certificate status, 0 for any
	From, To service.Day
}

// periodTalk asks for a day or a period.
var periodTalk = Wizard[periodForm]{
	Name: "exam_period", Brief: true,
	Steps: []Step[periodForm]{{
		Name: "days",
		Ask:  askSearch[periodForm]("exam_period_ask"),
		Take: func(_ context.Context, _ *Bot, t *Turn, f *periodForm) (Outcome, error) {
			if t.Text == "" || t.Press != nil {
				return stay, unexpected(t)
			}
			var err error
			f.From, f.To, err = service.ParsePeriod(t.Text)
			return next, err
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *periodForm) (Reply, error) {
		return b.examList(ctx, t, filterOf(f.Filter), examPlace{from: f.From, to: f.To})
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *periodForm) (Reply, error) {
		return b.examList(ctx, t, filterOf(f.Filter), examPlace{from: f.From, to: f.To})
	},
}

func (b *Bot) examPeriodPressed(ctx context.Context, t *Turn) (Reply, error) {
	if err := looksAtExams(t.By); err != nil {
		return Reply{}, err
	}
	at := placeOf(t.Press.ID)
	return edited(b.begin(ctx, t, periodTalk, periodForm{Filter: t.Press.Version, From: at.from, To: at.to}))
}

// searchExam asks for the number of an exam or of an application.
var searchExam = Wizard[searchForm]{
	Name: "exam_search", Brief: true,
	Steps: []Step[searchForm]{{
		Name: "number", Ask: askSearch[searchForm]("exam_search_ask"), Take: takeSearch(func(f *searchForm) *string { return &f.Number }),
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *searchForm) (Reply, error) {
		found, err := b.Exams.Find(ctx, t.By, f.Number, pageSize)
		if err != nil {
			return Reply{}, err
		}
		switch {
		case found.ExamID != 0:
			return b.examCard(ctx, t, found.ExamID)
		case found.ApplicationID != 0:
			return b.applicationCard(ctx, t, found.ApplicationID)
		case len(found.Exams) == 0:
			return Reply{}, nothingFound(f.Number)
		}
		v := examsView{Items: found.Exams, Search: f.Number, Cut: found.More, Centers: seesSeveral(t.By)}
		r := Reply{Text: "exams", Data: v, Rows: examItems(v)}
		r.Rows = append(r.Rows,
			row(Button{Label: "queue_search", Press: Press{Do: pressExamSearch}}),
			row(Button{Press: Press{Do: pressExams}}, Button{Press: Press{Do: pressMenu}}))
		return r, nil
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, _ *searchForm) (Reply, error) {
		return b.examList(ctx, t, pressExams, examPlace{})
	},
}

// ReasonNothingFound means that a search has led to nothing; its Data is what was
// looked for. The search goes on.
const ReasonNothingFound service.Reason = "search.nothing"

// nothingFound has a search ask again.
func nothingFound(sought string) error {
	return &service.Error{Kind: service.Invalid, Reason: ReasonNothingFound, Data: sought}
}

// askSearch asks what is looked for.
func askSearch[F any](text string) func(context.Context, *Bot, *Turn, *F) (Reply, error) {
	return func(_ context.Context, _ *Bot, t *Turn, _ *F) (Reply, error) {
		return Reply{Text: text, Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
	}
}

// takeSearch reads what is looked for.
func takeSearch[F any](into func(*F) *string) func(context.Context, *Bot, *Turn, *F) (Outcome, error) {
	return func(_ context.Context, _ *Bot, t *Turn, f *F) (Outcome, error) {
		if t.Press != nil || t.Text == "" || units(t.Text) > maxFind {
			return stay, unexpected(t)
		}
		*into(f) = t.Text
		return next, nil
	}
}

func (b *Bot) examSearchPressed(ctx context.Context, t *Turn) (Reply, error) {
	if err := looksAtExams(t.By); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, searchExam, searchForm{}))
}

// examCardView is what an exam's card shows.
type examCardView struct {
	*service.ExamView
	Zone   string
	Counts []statusCount // those above zero, in the order of the domain
}

// statusCount is how many applications stand in a status.
type statusCount struct {
	Status service.ApplicationStatus
	Count  int
}

// examCard shows an exam with what this person may do about it.
func (b *Bot) examCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Exams.View(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	return b.examReply(t, v), nil
}

func (b *Bot) examReply(t *Turn, v *service.ExamView) Reply {
	shown := examCardView{ExamView: v, Zone: t.By.Zone}
	for _, s := range service.ApplicationStatuses {
		if n := v.Count(s); n > 0 {
			shown.Counts = append(shown.Counts, statusCount{s, n})
		}
	}
	r := Reply{Text: "exam_card", Data: shown}
	r.Rows = append(b.stageRows(t, v),
		row(Button{Press: Press{pressTable, v.Exam.ID, 0}, Args: v.Exam.Applications}, Button{Label: "history", Press: Press{pressExamHistory, v.Exam.ID, 0}}),
		row(Button{Press: Press{Do: pressExams}}, Button{Press: Press{Do: pressMenu}}))
	return r
}

// stageOf is the stage of an exam's life to which what it waits for belongs, an
// index of stageRows.
var stageOf = map[service.ExamNext]int{
	service.NextApplications: 0, service.NextHold: 0, service.NextResults: 0, service.NextViolations: 0,
	service.NextProtocol: 1, service.NextApproval: 1, service.NextNumbers: 2, service.NextScans: 3, service.NextHandover: 4,
	service.NextNothing: 0,
}

// stageRows are the buttons of an exam's card: the stage that is due, the stages
// behind it, and small at the end what has been done.
func (b *Bot) stageRows(t *Turn, v *service.ExamView) [][]Button {
	stages := [][][]Button{
		b.resultExamRows(t, v), b.protocolExamRows(t, v), b.frdoExamRows(t, v), b.certificateExamRows(t, v),
		slices.Concat(b.questionExamRows(t, v), b.scanExamRows(t, v), b.blankExamRows(t, v)),
	}
	due := stageOf[v.Next()]
	const side = 2 // buttons beside each other
	done := slices.Concat(slices.Concat(stages[:due]...)...)
	return slices.Concat(
		slices.Concat(stages[due:]...), slices.Collect(slices.Chunk(done, side)),
		b.deliveryExamRows(t, v), b.candidateExamRows(t, v),
	)
}

func (b *Bot) examPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressExam)
	}
	return edited(b.examCard(ctx, t, t.Press.ID))
}

// examNumber reads the number of an exam out of a typed label's suffix: «экзамен
// 24-118», «№ 24-118», «24-118».
func examNumber(suffix string) string {
	words := strings.Fields(suffix)
	for len(words) > 1 && (normLabel(words[0]) == "экзамен" || words[0] == "№") {
		words = words[1:]
	}
	return strings.TrimPrefix(strings.Join(words, " "), "№")
}

// examPages are the deeds about an exam whose buttons carry a page in the place of
// its revision.
var examPages = []Action{
	pressTable, pressExamHistory, pressReach, pressPrintings, pressResultList, pressLoadOne, pressHandOne,
}

// chooseExam answers a deed that was named without its exam: does it in the only
// one of the filter, or lets choose. A number that was named narrows it.
func (b *Bot) chooseExam(ctx context.Context, t *Turn, filter service.ExamFilter, do Action) (Reply, error) {
	if err := looksAtExams(t.By); err != nil {
		return Reply{}, err
	}
	number := examNumber(t.Suffix)
	filter.Number, filter.Own = number, t.By.Has(service.RoleCenterStaff)
	list, err := b.Exams.List(ctx, t.By, filter, 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	if len(list) == 0 && number != "" { // the deed says why not
		if list, err = b.Exams.List(ctx, t.By, service.ExamFilter{Number: number}, 0, 1); err != nil {
			return Reply{}, err
		}
	}
	press := func(e *service.ExamItem) Press {
		if slices.Contains(examPages, do) {
			return Press{do, e.ID, 0}
		}
		return Press{do, e.ID, e.Revision}
	}
	if len(list) == 1 {
		p := press(&list[0])
		t.Press = &p
		return b.actions[do].do(ctx, t)
	}
	r := Reply{Text: "choose_exam", Data: chooser{len(list), b.actions[do].label, choosable, number}, Edit: true}
	for k := range list[:min(len(list), choosable)] {
		r.Rows = append(r.Rows, row(Button{Label: "exam_item", Args: list[k], Press: press(&list[k])}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressExams}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// tableView is what a page of an exam's applications says above its buttons.
type tableView struct {
	*service.ApplicationList
	Page   int
	First  int    // number of the first one shown, from 1
	Search string // what is looked for, "" for nothing
}

// tablePressed shows a page of the applications of an exam.
func (b *Bot) tablePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressTable)
	}
	return b.table(ctx, t, t.Press.ID, pageOf(int64(t.Press.Version)))
}

func (b *Bot) table(ctx context.Context, t *Turn, examID int64, page int) (Reply, error) {
	list, err := b.Exams.Applications(ctx, t.By, examID, service.ApplicationFilter{}, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	if len(list.Items) == 0 && page > 0 { // there are fewer now
		return b.table(ctx, t, examID, 0)
	}
	r := tableReply(tableView{ApplicationList: list, Page: page, First: page*pageSize + 1})
	r.Rows = append(r.Rows, turnPages(page, list.More, func(p int) Press { return Press{pressTable, list.Exam.ID, p} })...)
	return tableFoot(r, &list.Exam), nil
}

func tableReply(v tableView) Reply {
	r := Reply{Text: "exam_table", Data: v, Edit: true}
	for i := range v.Items {
		a := &v.Items[i]
		r.Rows = append(r.Rows, row(Button{Label: "application_item", Args: a, Press: Press{pressApplication, a.ID, 0}}))
	}
	return r
}

// tableFoot adds the way to search and back.
func tableFoot(r Reply, e *service.Exam) Reply {
	if e.Applications > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressTableSearch, e.ID, 0}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, e.ID, 0}, Args: e.Number}, Button{Press: Press{Do: pressMenu}}))
	return r
}

// tableSearchForm is what is looked for in an exam.
type tableSearchForm struct {
	ExamID int64
	Find   string
}

// searchTable asks for a part of a name or of a number.
var searchTable = Wizard[tableSearchForm]{
	Name: "exam_table_search", Brief: true,
	Steps: []Step[tableSearchForm]{{
		Name: "words", Ask: askSearch[tableSearchForm]("exam_table_search_ask"),
		Take: takeSearch(func(f *tableSearchForm) *string { return &f.Find }),
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *tableSearchForm) (Reply, error) {
		list, err := b.Exams.Applications(ctx, t.By, f.ExamID, service.ApplicationFilter{Search: f.Find}, 0, pageSize)
		if err != nil {
			return Reply{}, err
		}
		if len(list.Items) == 0 {
			return Reply{}, nothingFound(f.Find)
		}
		r := tableReply(tableView{ApplicationList: list, First: 1, Search: f.Find})
		r.Rows = append(r.Rows, row(Button{Press: Press{pressTable, f.ExamID, 0}, Args: list.Exam.Applications}))
		return tableFoot(r, &list.Exam), nil
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *tableSearchForm) (Reply, error) {
		return b.table(ctx, t, f.ExamID, 0)
	},
}

func (b *Bot) tableSearchPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressTableSearch)
	}
	if _, err := b.Exams.Applications(ctx, t.By, t.Press.ID, service.ApplicationFilter{}, 0, 1); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, searchTable, tableSearchForm{ExamID: t.Press.ID}))
}

// applicationCardView is what an application's card shows.
type applicationCardView struct {
	*service.ApplicationView
	Zone string
}

// applicationCard shows an application with what this person may do about it.
func (b *Bot) applicationCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Exams.Application(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "application_card", Caption: true, Data: applicationCardView{v, t.By.Zone}}
	r.Rows = slices.Concat(
		b.resultApplicationRows(t, v), b.certificateApplicationRows(t, v),
		b.scanApplicationRows(t, v), b.questionApplicationRows(t, v), b.blankApplicationRows(t, v), b.deliveryApplicationRows(t, v), b.candidateApplicationRows(t, v),
	)
	r.Rows = append(r.Rows,
		row(Button{Press: Press{pressTable, v.Exam.ID, 0}, Args: v.Exam.Applications}, Button{Label: "history", Press: Press{pressApplicationH, id, 0}}),
		row(Button{Press: Press{pressExam, v.Exam.ID, 0}, Args: v.Exam.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func (b *Bot) applicationPressed(ctx context.Context, t *Turn) (Reply, error) {
	switch {
	case t.Press.ID != 0:
		return edited(b.applicationCard(ctx, t, t.Press.ID))
	case t.Suffix == "":
		return b.tablePressed(ctx, t)
	}
	id, err := b.applicationID(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	return b.applicationCard(ctx, t, id)
}

// applicationID is the application whose button was pressed, or whose number was
// typed after the words: «Заявка · 118-03».
func (b *Bot) applicationID(ctx context.Context, t *Turn) (int64, error) {
	if t.Press.ID != 0 {
		return t.Press.ID, nil
	}
	a, err := b.typedApplication(ctx, t)
	if err != nil {
		return 0, err
	}
	return a.ID, nil
}

// typedApplication is the application whose number was typed after the words.
func (b *Bot) typedApplication(ctx context.Context, t *Turn) (*service.Application, error) {
	return b.Exams.ApplicationByNumber(ctx, t.By, examNumber(t.Suffix))
}

// examHistoryView is what the history of an exam or an application shows.
type examHistoryView struct {
	Exam        *service.Exam        // nil for that of an application
	Application *service.Application // nil for that of an exam
	Steps       []service.History
	Zone        string
}

// examHistoryPressed shows the steps of an exam, newest page first.
func (b *Bot) examHistoryPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressExamHistory)
	}
	e, steps, err := b.Exams.History(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r := stepsReply(t, steps, examHistoryView{Exam: e, Zone: t.By.Zone})
	r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, e.ID, 0}, Args: e.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// applicationHistoryPressed shows the steps of an application, newest page first.
func (b *Bot) applicationHistoryPressed(ctx context.Context, t *Turn) (Reply, error) {
	var err error
	if t.Press.ID, err = b.applicationID(ctx, t); err != nil { // of the pages that follow, too
		return Reply{}, err
	}
	a, steps, err := b.Exams.ApplicationHistory(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r := stepsReply(t, steps, examHistoryView{Application: a, Zone: t.By.Zone})
	r.Rows = append(r.Rows, row(Button{Press: Press{pressApplication, a.ID, 0}, Args: a.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// stepsReply shows the pressed page of a history, the newest first.
func stepsReply(t *Turn, steps []service.History, v examHistoryView) Reply {
	pages := max(1, (len(steps)+historyPage-1)/historyPage)
	page := 0
	if !t.typed {
		page = min(pageOf(int64(t.Press.Version)), pages-1)
	}
	end := len(steps) - page*historyPage
	v.Steps = steps[max(0, end-historyPage):end]
	r := Reply{Text: "exam_history", Data: v, Edit: true}
	var turn []Button
	if page > 0 {
		turn = append(turn, Button{Label: "history_newer", Press: Press{t.Press.Do, t.Press.ID, page - 1}})
	}
	if page+1 < pages {
		turn = append(turn, Button{Label: "history_older", Press: Press{t.Press.Do, t.Press.ID, page + 1}})
	}
	if turn != nil {
		r.Rows = append(r.Rows, turn)
	}
	return r
}

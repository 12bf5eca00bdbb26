/* hub.conf, addresses, and the calls that one process of the agent hands to another. */
#include "hostile.h"

#include "control_form.h"
#include "hub_conf.h"

static bool reads(const char *text, size_t size)
{
    hub_conf self;
    diag_sink sink = hostile_sink();

    hub_conf_init(&self);
    bool taken = hub_conf_read(&self, "hub.conf", hostile_exact(text, size), &sink);
    hostile_case(taken == (hostile_heard.errors == 0), "hub.conf is refused without a word: %s", text);
    return taken;
}

static void addresses(void)
{
    static const char *const wrong[] = {
        "", "tcp", "tcp:", "tcp:/", "tcp://", "tcp://:", "tcp://a", "tcp://a:", "tcp://:1", "tcp://a:65536", "tcp://a:-1", "tcp://a:1x", "tcp://a:x",
        "tcp://a: 1", "tcp://a b:1", " tcp://a:1", "tcp://a:1 ", "udp://a:1", "ipc:///a", "inproc://a", "TCP://a:1", "tcp://[::1:1", "tcp://::1:1",
        "tcp://[]:1", "tcp://[::1]", "tcp://[::1]1", "tcp://[g::1]:1", "tcp://é:1", "tcp://a\n:1", "tcp://a:1\n", "tcp://a:99999999999999999999",
        "tcp://a:0x10", "tcp://a:1:2", "tcp://a/b:1", "tcp://a;b:1",
    };
    endpoint parsed;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        hostile_case(!endpoint_parse(&parsed, hostile_exact(wrong[i], strlen(wrong[i]))), "the address %zu", i);
}

static void lines(void)
{
    static const char good[] = "# commentaire\ndatabase = private\nlisten = tcp://*:5670\nweb = 127.0.0.1:8080\naddress = tcp://a.example.fr:5670\n"
                               "writers = 4\nstable = later\nthreshold = 11\nstrict = yes\npublisher = Préfecture d'essai\n"
                               "homepage = https://prefecture.example.fr/ouvertes\n";
    static const char *const wrong[] = {
        "database\n", "database =\n", "= x\n", "=\n", "databse = x\n", "quoi = 1\n", "database = a\ndatabase = b\n", "listen = x\n", "listen =\n",
        "listen = tcp://a\n", "web = x\n", "web = tcp://a:1\n", "web = a:b\n", "address = tcp://*:1\n", "address = tcp://a:0\n", "address = tcp://a:*\n",
        "writers = 0\n", "writers = 17\n", "writers = -1\n", "writers = x\n", "writers =\n", "writers = 1.5\n", "writers = 100000\n", "stable = oui\n",
        "stable =\n", "database = a\tb\001\n", "database = \xff\n", "d\xff = x\n", "\0database = x\n",
        "threshold = 2\n", "threshold = 1001\n", "threshold = -3\n", "threshold = 1x\n", "threshold = x11\n", "threshold = 4294967307\n", "threshold =\n",
        "strict = oui\n", "strict =\n", "strict = yesno\n", "homepage = prefecture.example.fr\n", "homepage = ftp://a/b\n", "homepage = https://\n",
        "homepage = https://a/<b>\n", "homepage = https://a/b c\n", "homepage = https://é.fr/\n", "homepage = javascript:alert(1)\n",
    };

    hostile_case(reads(good, sizeof good - 1), "the good hub.conf");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t size = wrong[i][0] == '\0' ? 14 : strlen(wrong[i]);
        hostile_case(!reads(wrong[i], size), "hub.conf %zu", i);
    }
    char text[4096];
    for (size_t i = 0; i < sizeof good - 1; i++)
        if (good[i] == '\n') {
            /* In each place a line that is wrong, and a byte that is none. */
            static const char *const inside[] = {"inconnu = 1\n", "rien\n", "database = \x80\n", "stable = jamais\n"};
            for (size_t w = 0; w < 4; w++) {
                int size = snprintf(text, sizeof text, "%.*s%s%s", (int) i + 1, good, inside[w], good + i + 1);
                hostile_case(!reads(text, (size_t) size), "hub.conf with %s", inside[w]);
            }
        }
    int size = snprintf(text, sizeof text, "database = ");
    memset(text + size, 'x', HUB_CONF_DATABASE_MAX);
    hostile_case(!reads(text, (size_t) size + HUB_CONF_DATABASE_MAX), "a database of 2 KiB");
    size = snprintf(text, sizeof text, "web = ");
    memset(text + size, 'x', HUB_CONF_WEB_MAX);
    hostile_case(!reads(text, (size_t) size + HUB_CONF_WEB_MAX), "a web address of 256 bytes");
    size = snprintf(text, sizeof text, "publisher = ");
    memset(text + size, 'x', HUB_CONF_PUBLISHER_MAX);
    hostile_case(!reads(text, (size_t) size + HUB_CONF_PUBLISHER_MAX), "a publisher of 256 bytes");
    size = snprintf(text, sizeof text, "homepage = https://");
    memset(text + size, 'x', HUB_CONF_HOMEPAGE_MAX);
    hostile_case(!reads(text, (size_t) size + HUB_CONF_HOMEPAGE_MAX), "a homepage of 512 bytes");
    size = 0;
    for (unsigned i = 0; i <= HUB_CONF_ADDRESSES_MAX; i++)
        size += snprintf(text + size, sizeof text - (size_t) size, "address = tcp://a%u:1\n", i);
    hostile_case(!reads(text, (size_t) size), "nine addresses");
    hub_conf self;
    const char *reason = NULL;
    hub_conf_init(&self);
    hostile_case(!hub_conf_set(&self, "listen", text_of("tcp://a:1\nwriters = 9"), &reason) && reason != NULL, "a value of two lines");
    hostile_case(!hub_conf_set(&self, "rien", text_of("x"), &reason) && reason != NULL, "a name that is none");
}

void hostile_configuration(void)
{
    addresses();
    lines();
}

/* Calls. */

static int run_nothing(cli_call *call)
{
    (void) call;
    return CLI_DONE;
}

static const cli_option options[] = {{.name = "events", .kind = CLI_INPUT}, {.name = NULL}};
static const cli_operand operands[] = {{.name = "contrat", .kind = CLI_VALUE}, {.name = NULL}};
static const cli_command commands[] = {{.name = "push", .run = run_nothing, .options = options, .operands = operands}, {.name = NULL}};
static const cli_program program = {.name = "ctai-agent", .version = "1", .commands = commands};

static control_form_result call_of(const void *bytes, size_t size, unsigned count)
{
    int files[2] = {-1, -1};
    cli_call call;
    bool has_data;

    control_form_result result = control_form_read(&call, &program, hostile_exact(bytes, size), files, count, &has_data);
    hostile_met(HOSTILE_CONTROL, result);
    return result;
}

void hostile_calls(void)
{
    static const cli_program other = {.name = "ctai-agent", .version = "2", .commands = commands};
    cli_call call = {.program = &program, .command = &commands[0], .folder = "/tmp", .operand_count = 1, .operands = {"c1"}};
    batch_buffer bytes;
    int files[CONTROL_FORM_FILES_MAX];
    unsigned count;

    batch_buffer_init(&bytes, CONTROL_FORM_PAYLOAD_MAX);
    call.values[0] = "e.csv";
    call.files[0] = (cli_file){.name = "e.csv", .error = 2};
    control_form_write(&bytes, &call, files, &count);
    hostile_case(!bytes.failed && count == 0 && call_of(bytes.data, bytes.size, 0) == CONTROL_FORM_GOOD, "the good call");
    for (size_t size = 0; size < bytes.size; size++) {
        control_form_result result = call_of(bytes.data, size, 0);
        hostile_case(result == CONTROL_FORM_WRONG, "a call cut at %zu", size);
    }
    batch_buffer_append(&bytes, "\0", 1);
    hostile_case(call_of(bytes.data, bytes.size, 0) == CONTROL_FORM_WRONG, "a call with a byte more");
    bytes.size--;
    /* Every four bytes of head and texts become a number too large: but in texts, and in flags, where 1 alone is yes. */
    for (size_t at = 0; at < 173; at++) {
        uint8_t kept[4];
        memcpy(kept, bytes.data + at, 4);
        memset(bytes.data + at, 0xfe, 4);
        hostile_case(call_of(bytes.data, bytes.size, 0) != CONTROL_FORM_GOOD || (at >= 19 && at <= 32) || at == 44 || at == 45, "a call with a number too large at %zu", at);
        memcpy(bytes.data + at, kept, 4);
    }
    call.program = &other;
    batch_buffer_clear(&bytes);
    control_form_write(&bytes, &call, files, &count);
    hostile_case(call_of(bytes.data, bytes.size, 0) == CONTROL_FORM_OTHER_VERSION, "a call of another version");
    batch_buffer_release(&bytes);
}

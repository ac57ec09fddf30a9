/* SPDX-License-Identifier: MIT */
#include "engine/report/html.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Colours of series after Okabe and Ito, told apart by most who don't see all of them; marks differ in shape as well. */
static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d8dee4;--soft:#f4f6f8;"
    "--c0:#0067a8;--c1:#c8500a;--c2:#00805c;--c3:#9a4a86;--c4:#a87400;--c5:#4b8fc4;--c6:#6e7781;--c7:#b5485c}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e4e8ec;--dim:#9aa4ae;--line:#343a41;--soft:#1d2126;"
    "--c0:#5cb3ee;--c1:#f4915a;--c2:#3fc79c;--c3:#d894c6;--c4:#e0b34a;--c5:#8ec4ea;--c6:#a4adb6;--c7:#f08aa0}}\n"
    "@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--soft:#f4f4f4;"
    "--c0:#0067a8;--c1:#c8500a;--c2:#00805c;--c3:#9a4a86;--c4:#a87400;--c5:#4b8fc4;--c6:#6e7781;--c7:#b5485c}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n"
    "main{max-width:1120px;margin:0 auto;padding:24px 20px 64px}\n"
    "h1{font-size:1.75rem;line-height:1.2;margin:.2em 0 .3em}\n"
    "h2{font-size:1.25rem;margin:0 0 .4em}\n"
    "h3{font-size:1rem;margin:1.2em 0 .3em}\n"
    "section{margin-top:2.4em;padding-top:1.2em;border-top:1px solid var(--line)}\n"
    "p{max-width:46em;margin:.5em 0}\n"
    ".lead{font-size:1.06rem}\n"
    ".dim,figcaption,.note{color:var(--dim)}\n"
    ".note{font-size:.9rem;overflow-wrap:anywhere}\n"
    ".missing{border-left:3px solid var(--c4);padding:.3em .8em;background:var(--soft);max-width:46em;overflow-wrap:anywhere}\n"
    "code,pre{font:.82rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}\n"
    "code{overflow-wrap:anywhere}\n"
    "pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:.4em 0;overflow:auto;"
    "max-height:26em}\n"
    "pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "nav{font-size:.92rem;margin:.8em 0}nav a{margin-right:1.1em;white-space:nowrap}\n"
    "a{color:var(--c0)}\n"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:26px 32px;margin:1em 0}\n"
    "figure{margin:0;max-width:540px;break-inside:avoid}\n"
    "figure h3{margin:0 0 .2em}\n"
    "figcaption{font-size:.86rem;line-height:1.4;margin-top:.3em}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible}\n"
    "svg text{font:12.5px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--fg)}\n"
    "svg .tick{fill:var(--dim);font-size:11.5px}\n"
    "svg .axis{stroke:var(--dim);stroke-width:1;fill:none}\n"
    "svg .gridline{stroke:var(--line);stroke-width:1}\n"
    ".legend{list-style:none;margin:.35em 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.15em 1.2em;font-size:.86rem;"
    "line-height:1.35}\n"
    ".legend svg{display:inline-block;width:26px;height:12px;vertical-align:-1px;margin-right:6px}\n"
    ".scroll{overflow-x:auto;margin:.6em 0}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.3em .9em .3em 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}\n"
    "th{font-weight:600}thead th{border-bottom:1.5px solid var(--dim);vertical-align:bottom}\n"
    "td.n,th.n{text-align:right;white-space:nowrap}\n"
    "tbody th{font-weight:400}\n"
    "tr.group th{font-weight:600;padding-top:.9em}\n"
    ".small{font-size:.84rem;color:var(--dim)}td.small{min-width:18em}\n"
    ".kind{display:inline-block;font-size:.78rem;line-height:1.3;border:1px solid var(--line);border-radius:9px;padding:0 "
    ".55em;"
    "color:var(--dim);white-space:nowrap}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1.2em;font-size:.92rem;margin:.6em 0}\n"
    "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
    "details{margin:.5em 0}summary{cursor:pointer}\n"
    "@media (max-width:640px){main{padding:14px 16px 40px}body{font-size:15px}h1{font-size:1.4rem}\n"
    "svg text,svg .tick{font-size:14px}\n" /* a drawing of 440 is 358 wide there */
    "dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5em}.grid{gap:26px 0}th,td{padding-right:.7em}}\n"
    "@media print{@page{margin:14mm}body{font-size:10pt}main{max-width:none;padding:0}section{break-inside:auto}\n"
    "h2,h3{break-after:avoid}table,pre,figure,tr{break-inside:avoid}nav,details{display:none}.scroll{overflow:visible}\n"
    ".grid{grid-template-columns:1fr 1fr;gap:16px 24px}a{color:inherit;text-decoration:none}}\n";

void html_begin(FILE *f, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          f);
    html_text(f, title);
    /* An icon of nothing: else a browser asks the server for one, and complains where there is none. */
    fprintf(f, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
}

void html_end(FILE *f)
{
    fputs("</main>\n</body>\n</html>\n", f);
}

static void put_escaped(FILE *f, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t length = utf8_valid(s + i, n - i, &c);
        bool shown = length && (c >= 0x20 || c == '\n' || c == '\t') && !(c >= 0x7F && c < 0xA0);
        if (!shown)
            fputs("\xEF\xBF\xBD", f);
        else if (c == '&')
            fputs("&amp;", f);
        else if (c == '<')
            fputs("&lt;", f);
        else if (c == '>')
            fputs("&gt;", f);
        else if (c == '"')
            fputs("&quot;", f);
        else if (c == '\'')
            fputs("&#39;", f);
        else
            fwrite(s + i, 1, length, f);
        i += length ? length : 1;
    }
}

void html_text(FILE *f, const char *s)
{
    if (!s) s = "-";
    put_escaped(f, s, strlen(s));
}

/* Long texts (a command of many models) are cut off at the end; none of the project's own is. */
static void put_format(FILE *f, const char *format, va_list args)
{
    char text[8192];
    vsnprintf(text, sizeof text, format, args);
    html_text(f, text);
}

void html_element(FILE *f, const char *tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(f, "<%s>", tag);
    put_format(f, format, args);
    fprintf(f, "</%.*s>", (int)strcspn(tag, " "), tag);
    va_end(args);
}

void html_section(FILE *f, const char *anchor, const char *heading)
{
    fprintf(f, "<section id=\"%s\">\n", anchor);
    html_element(f, "h2", "%s", heading);
    fputc('\n', f);
}

void html_section_end(FILE *f)
{
    fputs("</section>\n", f);
}

void html_missing(FILE *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("<p class=\"missing\">", f);
    put_format(f, format, args);
    fputs("</p>\n", f);
    va_end(args);
}

void html_file(FILE *f, const char *name, const char *what, const char *text, size_t size)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~,";
    fputs("<details><summary><code>", f);
    html_text(f, name);
    fputs("</code> - ", f);
    html_text(f, what);
    fputs("</summary>\n<p><a download=\"", f);
    html_text(f, name);
    fputs("\" href=\"data:text/plain;charset=utf-8,", f);
    for (size_t i = 0; i < size; i++)
        if (text[i] && strchr(plain, text[i]))
            fputc(text[i], f);
        else
            fprintf(f, "%%%02X", (unsigned char)text[i]);
    fputs("\">save</a></p>\n<pre>", f);
    put_escaped(f, text, size);
    fputs("</pre></details>\n", f);
}

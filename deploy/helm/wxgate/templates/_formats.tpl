{{/*
Formats of single values. Each gets a text that is not empty, unless it is an item of a list, and prints what to write if wxgate
would refuse it.
*/}}

{{- define "wxgate.format.appId" -}}
{{- if hasPrefix "gh_" . -}}
this is the original id of the account; write its AppID, which begins with wx
{{- else if not (regexMatch "^[0-9A-Za-z._-]+$" .) -}}
write an AppID of letters and digits, such as wx0123456789abcdef
{{- end -}}
{{- end }}

{{- define "wxgate.format.duration" -}}
{{- $nanoseconds := include "wxgate.nanoseconds" . -}}
{{- if not $nanoseconds -}}
write a duration with its unit, such as 90s, 5m or 24h; a day is 24h
{{- else if and (hasPrefix "-" .) (ne $nanoseconds "0") -}}
write a duration that is not negative
{{- end -}}
{{- end }}

{{- define "wxgate.format.positive" -}}
{{- with include "wxgate.format.duration" . -}}
{{- . -}}
{{- else -}}
{{- if eq (include "wxgate.nanoseconds" .) "0" }}write a duration above zero, such as 90s{{ end -}}
{{- end -}}
{{- end }}

{{/* Nanoseconds of a Go duration, such as 90s or 1m30s, without its sign. Nothing for another text. */}}
{{- define "wxgate.nanoseconds" -}}
{{- $number := "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)" -}}
{{- $part := printf "%s(ns|us|µs|μs|ms|s|m|h)" $number -}}
{{- $factors := dict "ns" 1.0 "us" 1e3 "µs" 1e3 "μs" 1e3 "ms" 1e6 "s" 1e9 "m" 6e10 "h" 3.6e12 -}}
{{- if regexMatch "^[-+]?0$" . -}}
0
{{- else if regexMatch (printf "^[-+]?(%s)+$" $part) . -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll $part . -1 -}}
{{- $count := regexFind $number . -}}
{{- $sum = addf $sum (mulf (float64 $count) (get $factors (trimPrefix $count .)) | floor) -}}
{{- end -}}
{{- if lt $sum 9223372036854775807.0 }}{{ printf "%.0f" $sum }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "wxgate.format.rate" -}}
{{- if ne . "0" -}}
{{- $count := regexFind "^[0-9]+" . -}}
{{- $per := trimPrefix (printf "%s/" $count) . -}}
{{- $fits := and (ne $count "") (ne $per .) (not (hasPrefix "-" $per)) -}}
{{- if not (and $fits (gt (float64 $count) 0.0) (le (float64 $count) 2147483647.0) (gt (include "wxgate.nanoseconds" $per | float64) 0.0)) -}}
write a count and a duration, such as 600/1m or 10/1s, or 0 for no limit
{{- end -}}
{{- end -}}
{{- end }}

{{- define "wxgate.format.size" -}}
{{- $unit := regexFind "[KMG]iB$" . -}}
{{- $count := trimSuffix $unit . -}}
{{- $factor := get (dict "" 1.0 "KiB" 1024.0 "MiB" 1048576.0 "GiB" 1073741824.0) $unit -}}
{{- if not (and (regexMatch "^[0-9]+$" $count) (lt (mulf (float64 $count) $factor) 9223372036854775808.0)) -}}
write a whole number of bytes, KiB, MiB or GiB, such as 4096, 512KiB or 10MiB
{{- end -}}
{{- end }}

{{- define "wxgate.format.origin" -}}
{{- $rest := regexReplaceAll "^[hH][tT][tT][pP][sS]?://" . "" -}}
{{- if or (eq $rest .) (not (include "wxgate.isHostPort" (trimSuffix "/" $rest))) -}}
write only scheme and host, such as https://h5.example.com
{{- end -}}
{{- end }}

{{- define "wxgate.format.baseUrl" -}}
{{- $rest := regexReplaceAll "^[hH][tT][tT][pP][sS]?://" . "" -}}
{{- $host := regexFind "^[^/]*" $rest -}}
{{- $path := trimPrefix $host $rest -}}
{{- if or (eq $rest .) (not (include "wxgate.isHostPort" $host)) -}}
write a URL with scheme and host, such as https://api.weixin.qq.com, without user, query and fragment
{{- else if or (not (regexMatch "^(/[0-9A-Za-z._~-]+)*/?$" $path)) (regexMatch "/\\.\\.?(/|$)" $path) -}}
write a clean path of letters, digits and . _ ~ - behind the host, or none
{{- else if regexMatch "^http://[^/:]*\\.qq\\.com(:|/|$)" (lower .) -}}
this is WeChat by plain http; write https
{{- end -}}
{{- end }}

{{- define "wxgate.format.host" -}}
{{- if not (include "wxgate.isHostPort" .) -}}
write a host such as shop.example.com, or host:port, without http:// or https:// and without *
{{- end -}}
{{- end }}

{{/* A site's host. Its port, and a dot at the end of the name, do not count. */}}
{{- define "wxgate.format.siteHost" -}}
{{- include "wxgate.format.host" (regexReplaceAll "\\.(:[^:]*)?$" . "${1}") -}}
{{- end }}

{{- define "wxgate.format.proxy" -}}
{{- $address := regexFind "^[^/]*" . -}}
{{- $bits := trimPrefix $address . | trimPrefix "/" -}}
{{- $four := eq (include "wxgate.isIPv4" $address) "true" -}}
{{- $six := eq (include "wxgate.isIPv6" $address) "true" -}}
{{- $network := and (regexMatch "^(0|[1-9][0-9]{0,2})$" $bits) (le (atoi $bits) (ternary 32 128 $four)) (not (include "wxgate.isMapped" $address)) -}}
{{- if not (and (or $four $six) (or (eq . $address) $network)) -}}
write an address or a CIDR, such as 10.244.0.0/16 or 192.0.2.1
{{- end -}}
{{- end }}

{{- define "wxgate.format.verifyFile" -}}
{{- if not (regexMatch "^[0-9A-Za-z]{1,64}$" .) -}}
write only the token, such as abc123 of MP_verify_abc123.txt
{{- end -}}
{{- end }}

{{- define "wxgate.format.cookieName" -}}
{{- if regexMatch "^(?i)__(host|secure)-" . -}}
leave the prefix out: wxgate puts __Host- before the name where it may
{{- else if regexMatch "_login(_|$)" . -}}
write a name without _login, which marks the cookie of a login
{{- else if or (not (regexMatch "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" .)) (regexMatch "^('.*'|`.*`)$" .) -}}
write a cookie's name, of letters, digits, - and _
{{- end -}}
{{- end }}

{{- define "wxgate.format.cookieDomain" -}}
{{- $domain := trimPrefix "." . -}}
{{- if or (not (include "wxgate.isHostname" $domain)) (include "wxgate.isIPv4" $domain) -}}
write a domain such as example.com, without scheme and port
{{- end -}}
{{- end }}

{{- define "wxgate.format.prefix" -}}
{{- if or (not (regexMatch "^(/[0-9A-Za-z._~-]+)+$" .)) (regexMatch "/\\.+(/|$)" .) -}}
write a clean path of letters, digits and . _ ~ - that begins with / and does not end with it, such as /_wx
{{- end -}}
{{- end }}

{{- define "wxgate.format.picture" -}}
{{- $path := "/([^%?#]|%[0-9A-Fa-f]{2})*" -}}
{{- $rest := regexReplaceAll "^[hH][tT][tT][pP][sS]?://" . "" -}}
{{- $host := regexFind "^[^/?#]*" $rest -}}
{{- $behind := trimPrefix $host $rest -}}
{{- $whole := and (ne $rest .) (include "wxgate.isHostname" (regexReplaceAll ":[0-9]*$" $host "")) (regexMatch (printf "^(%s)?(\\?[^#]*)?#?$" $path) $behind) -}}
{{- $local := and (regexMatch (printf "^%s(\\?[^#]*)?#?$" $path) .) (not (hasPrefix "//" .)) -}}
{{- if not (and (regexMatch "^[!-~]+$" .) (not (regexMatch "[\\\\\"'<>;,]" .)) (or $whole $local)) -}}
write an address such as https://h5.example.com/qr.png, or a path of the site such as /static/qr.png
{{- end -}}
{{- end }}

{{/* A server of the site. */}}
{{- define "wxgate.format.server" -}}
{{- $socket := regexReplaceAll "^[uU][nN][iI][xX]://" . "" -}}
{{- $rest := regexReplaceAll "^([hH][tT][tT][pP][sS]?|[hH]2[cC])://" . "" -}}
{{- if ne $socket . -}}
{{- if or (not (regexMatch "^(/[0-9A-Za-z._~$&+:;=@-]+)+$" $socket)) (regexMatch "/\\.\\.?(/|$)" $socket) -}}
write the clean absolute path of a socket, such as unix:///run/web.sock
{{- end -}}
{{- else if or (eq $rest .) (not (include "wxgate.isHostPort" (trimSuffix "/" $rest))) -}}
write scheme, host and port, without a path, such as http://web:80
{{- end -}}
{{- end }}

{{/* The beginning of a path that has a server of its own. */}}
{{- define "wxgate.format.upstreamPath" -}}
{{- if or (not (regexMatch "^(/|(/[0-9A-Za-z._~-]+)+/?)$" .)) (regexMatch "/\\.\\.?(/|$)" .) -}}
write a clean path of letters, digits and . _ ~ - that begins with /, such as /api/
{{- end -}}
{{- end }}

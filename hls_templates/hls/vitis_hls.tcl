# vitis_hls -f vitis_hls.tcl    (from this folder)
# MONDEQ_PART, MONDEQ_CLOCK_PERIOD (ns) and MONDEQ_STEPS (csim csynth cosim export) choose what is done.
proc setting {name default} {
    global env
    return [expr {[info exists env($name)] ? $env($name) : $default}]
}
set steps [setting MONDEQ_STEPS {csim csynth cosim export}]
set vectors [file normalize [file join [file dirname [info script]] vectors]]
set check "--check $vectors/words.txt $vectors/outputs.txt"

open_project -reset mondeq_vitis
set_top mondeq_top
add_files mondeq_top.cpp
add_files -tb mondeq_tb.cpp
open_solution -reset -flow_target vivado solution
set_part [setting MONDEQ_PART xc7a100tcsg324-1]
create_clock -period [setting MONDEQ_CLOCK_PERIOD 6.67] -name default

if {"csim" in $steps} { csim_design -argv $check }
if {"csynth" in $steps} { csynth_design }
if {"cosim" in $steps} { cosim_design -argv $check }
if {"export" in $steps} { export_design -format ip_catalog }
exit

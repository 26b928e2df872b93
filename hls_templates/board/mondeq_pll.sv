// The ECP5's PLL, its output fed back: the clock times FeedbackDivider / InputDivider, and the oscillator inside
// at OutputDivider times that.  Attributes and constant pins are those that Project Trellis' ecppll writes.
module mondeq_pll #(
  parameter int InputDivider = 1,
  parameter int FeedbackDivider = 1,
  parameter int OutputDivider = 1
) (
  input  logic clk_i,
  output logic clk_o,
  output logic locked_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (InputDivider < 1 || InputDivider > 128 || FeedbackDivider < 1 || FeedbackDivider > 80
      || OutputDivider < 1 || OutputDivider > 128) begin : g_wrong_dividers
    mondeq_error_pll_dividers u_error ();
  end

  (* ICP_CURRENT="12", LPF_RESISTOR="8", MFG_ENABLE_FILTEROPAMP="1", MFG_GMCREF_SEL="2" *)
  EHXPLLL #(
    .PLLRST_ENA    ("DISABLED"),
    .INTFB_WAKE    ("DISABLED"),
    .STDBY_ENABLE  ("DISABLED"),
    .DPHASE_SOURCE ("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"),
    .OUTDIVIDER_MUXB("DIVB"),
    .OUTDIVIDER_MUXC("DIVC"),
    .OUTDIVIDER_MUXD("DIVD"),
    .CLKI_DIV      (InputDivider),
    .CLKOP_ENABLE  ("ENABLED"),
    .CLKOP_DIV     (OutputDivider),
    .CLKOP_CPHASE  (OutputDivider / 2 - 1),
    .CLKOP_FPHASE  (0),
    .FEEDBK_PATH   ("CLKOP"),
    .CLKFB_DIV     (FeedbackDivider)
  ) u_pll (
    .RST         (1'b0),
    .STDBY       (1'b0),
    .CLKI        (clk_i),
    .CLKOP       (clk_o),
    .CLKFB       (clk_o),
    .CLKINTFB    (),
    .PHASESEL0   (1'b0),
    .PHASESEL1   (1'b0),
    .PHASEDIR    (1'b1),
    .PHASESTEP   (1'b1),
    .PHASELOADREG(1'b1),
    .PLLWAKESYNC (1'b0),
    .ENCLKOP     (1'b0),
    .LOCK        (locked_o)
  );

endmodule

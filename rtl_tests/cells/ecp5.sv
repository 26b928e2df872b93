// Simulation models of the two ECP5 cells that Yosys knows as black boxes only, with the pins and parameters that its
// mapping uses (lattice/brams_map_16kd.v and lattice/dsp_map_18x18.v in its share folder).  Anything else is refused: a
// pin or parameter that is not declared here does not compile, a mode that is not modelled ends the simulation.

// Dual-port memory of 2048 bytes of 9 bits.  Words of 1, 2 and 4 bits leave a byte's ninth bit alone; words of 18 and
// 36 bits have byte enables in their lowest address bits.  36-bit words are written through A and read through B, on
// the data pins of both.  What one port writes the other reads as x in that cycle; both are taken to have one clock.
module DP16KD (
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1,
  input DIA0, ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
  output DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1,
  input DIB0, ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
  output DOB0
);

  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0,
                    INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
                    INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0,
                    INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
                    INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
                    INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0,
                    INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0,
                    INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
                    INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

  // Bytes 2 i and 2 i + 1 are the 18 lower bits of the i-th group of 20.
  localparam [64*320-1:0] Initial = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };

  wire [35:0] data = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  wire [27:0] addresses = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [1:0] clock = {(CLKBMUX == "INV") ? !CLKB : CLKB, (CLKAMUX == "INV") ? !CLKA : CLKA};
  wire [1:0] enable = {CEB && !CSB2 && !CSB1 && !CSB0, CEA && !CSA2 && !CSA1 && !CSA0};
  wire [1:0] write = enable & {WEB, WEA};
  wire [1:0] output_enable = {OCEB, OCEA};

  reg [8:0] memory[0:2047];
  wire [35:0] read_a, read_b;

  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
          DOA0} = (DATA_WIDTH_B == 36) ? read_b[17:0] : read_a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
          DOB0} = (DATA_WIDTH_B == 36) ? read_b[35:18] : read_b[17:0];

  integer i;
  reg [319:0] line;
  initial begin
    for (i = 0; i < 1024; i = i + 1) begin
      if (i % 16 == 0) line = Initial[20*i+:320];
      memory[2*i]   = line[20*(i%16)+:9];
      memory[2*i+1] = line[20*(i%16)+9+:9];
    end
  end

  wire unknown_mode = CSDECODE_A != "0b000" || CSDECODE_B != "0b000"
      || WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH" || RSTA || RSTB;
  always @(unknown_mode) begin
    if (unknown_mode) begin
      $display("DP16KD: chip select, write-through and reset have no simulation model");
      $finish;
    end
  end

  genvar p;
  generate
    for (p = 0; p < 2; p = p + 1) begin : g_port
      localparam integer Width = p ? DATA_WIDTH_B : DATA_WIDTH_A;
      localparam integer Lanes = (Width == 36) ? 4 : (Width == 18) ? 2 : 1;
      localparam Registered = (p ? REGMODE_B : REGMODE_A) == "OUTREG";
      localparam Holds = (p ? WRITEMODE_B : WRITEMODE_A) == "NORMAL";
      // The word's first byte, its enabled bytes, its lowest bit there, and the bits of a byte that are its own.
      wire [13:0] address = addresses[14*p+:14];
      wire [10:0] first = address[13:3] & ~(Lanes - 1);
      wire [3:0] enabled = (Width == 36) ? address[3:0] : (Width == 18) ? {2'b0, address[1:0]} : 4'b1;
      wire [3:0] low = (Width < 9) ? address[2:0] & ~(Width - 1) : 0;
      wire [8:0] mask = (Width < 9) ? ((1 << Width) - 1) << low : 9'h1ff;
      reg [35:0] read = 0, registered = 0;
      wire [35:0] leaving = Registered ? registered : read;
      reg [10:0] at, beyond;
      reg [8:0] old;
      integer l;

      always @(posedge clock[p]) begin
        if (output_enable[p]) registered <= read;
        for (l = 0; l < Lanes; l = l + 1) begin
          at = first + l;
          old = memory[at];
          if (write[p] && enabled[l]) begin
            memory[at] <= old & ~mask | data[((Width == 36) ? 0 : 18 * p)+9*l+:9] << low & mask;
          end
          beyond = at - g_port[1-p].first;
          if (write[1-p] && beyond < g_port[1-p].Lanes && g_port[1-p].enabled[beyond[1:0]]) begin
            old = old ^ (g_port[1-p].mask & 9'bx);
          end
          if (enable[p] && !(Holds && write[p])) read[9*l+:9] <= (old & mask) >> low;
        end
      end
    end
  endgenerate
  assign read_a = g_port[0].leaving;
  assign read_b = g_port[1].leaving;

endmodule

// Multiplier 18 x 18, each factor signed or not; of its registers that of the product, without a reset.
module MULT18X18D (
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14,
  output P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);

  parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", REG_OUTPUT_RST = "RST0", GSR = "ENABLED";

  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [35:0] wide_a = {{18{SIGNEDA & A17}}, a};
  wire [35:0] leaving;
  wire signed [35:0] wide_b = {{18{SIGNEDB & B17}}, b};

  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14,
          P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = leaving;

  generate
    if (REG_OUTPUT_CLK == "CLK0") begin : g_register
      reg [35:0] product_q = '0;
      always @(posedge CLK0) if (CE0) product_q <= wide_a * wide_b;
      assign leaving = product_q;
      if (REG_OUTPUT_CE != "CE0" || REG_OUTPUT_RST != "RST0" || GSR != "DISABLED") begin : g_unknown
        initial begin
          $display("MULT18X18D: a mode of the product's register that is not modelled");
          $finish;
        end
      end
    end else begin : g_through
      assign leaving = wide_a * wide_b;
    end
  endgenerate

endmodule
